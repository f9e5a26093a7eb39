//! What is on the screen, at two sizes, with and without trouble.

use gateway::control::view::View;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};

use super::{Next, Screen, draw, text};

fn side(requests: u64, errors: u64, millis: f64) -> Value {
    let latency = (requests > 0).then_some(millis);
    json!({
        "requests": requests, "errors": errors, "client_errors": 0, "abandoned": 0, "cut": 0, "streams": 0,
        "p50_ms": latency, "p95_ms": latency.map(|one| one * 2.0), "p99_ms": latency.map(|one| one * 4.0),
    })
}

fn point(second: u64, millis: u64, legacy: &Value, platform: &Value) -> Value {
    let at = format!("2026-11-23T10:{:02}:{:02}Z", second / 60, second % 60);
    json!({"at": at, "millis": millis, "share": "10%", "legacy": legacy, "platform": platform})
}

fn family(change: impl FnOnce(&mut Value)) -> Value {
    let points: Vec<Value> = (0..180)
        .map(|n| {
            point(n, 1000, &side(80 + n % 20, 0, 5.0), &side(if n < 60 { 0 } else { 10 }, u64::from(n == 170), 6.0))
        })
        .collect();
    let mut family = json!({
        "share": "10%", "safe": "1%", "frozen": false, "lease_seconds": 11.2, "holder": "ada", "is_movable": true,
        "share_seconds": 120, "share_requests": 1200,
        "gates": {
            "verdict": "hold", "reason": "the new side has answered 1200 of 3000 requests of this step",
            "armed": true, "state": "quiet", "because": null, "findings": [],
        },
        "lately": point(179, 10_000, &side(900, 0, 5.0), &side(100, 1, 6.0)),
        "points": points, "summaries": [],
        "endpoints": [
            {"endpoint": "GET /api/v1/users/{id}", "legacy": [3000, 0, 0], "platform": [400, 1, 0]},
            {"endpoint": "GET /api/v1/users", "legacy": [2400, 0, 0], "platform": [200, 0, 0]},
        ],
    });
    change(&mut family);
    family
}

fn view() -> View {
    let failing = family(|family| {
        family["share"] = json!("1%");
        family["lease_seconds"] = Value::Null;
        family["holder"] = Value::Null;
        family["frozen"] = json!(true);
        family["gates"] = json!({
            "verdict": "fail", "armed": false, "state": "returned", "findings": [],
            "reason": "errors of all in 15 s: 12.5% of 200 requests, the old side had 0% of 1,350 in the same seconds",
            "because": "errors of all in 5 s: 40% of 60 requests, the old side had 0% of 450 in the same seconds",
        });
    });
    let one_sided = family(|family| {
        family["is_movable"] = json!(false);
        family["lease_seconds"] = Value::Null;
        family["gates"] = Value::Null;
        family["lately"] = point(179, 10_000, &side(0, 0, 0.0), &side(12_345, 0, 1500.0));
    });
    let difference = json!({
        "endpoint": "GET /api/v1/users/{id}", "field": "$.data.created_at", "kind": "value", "count": 7,
        "first": "2026-11-23T10:00:00Z", "last": "2026-11-23T10:02:00Z", "request_id": "r-1",
        "legacy": "text of 20 #ab12", "platform": "text of 24 #cd34",
    });
    let reads = json!({
        "sampled": 1000, "dropped": 3, "too_large": 0, "encoded": 0, "unanswered": 0, "learned": 2000,
        "compared": 990, "equal": 900, "intended": 80, "noise": 3, "different": 7,
    });
    let view = json!({
        "at": "2026-11-23T10:02:59Z", "total": [], "forced": 1, "routes_problems": [],
        "families": {"notifications": one_sided, "users": family(|_| {}), "workspaces": failing},
        "instances": [
            {"address": "http://user-service:8082", "sides": ["legacy"], "families": ["users"], "condition": "well"},
            {"address": "http://platform-1:8080", "sides": ["platform"], "families": ["users"], "condition": "unwell"},
            {"address": "http://platform-2:8080", "sides": ["platform"], "families": ["users"], "condition": "ejected"},
        ],
        "shadow": {
            "mode": "comparing", "rate": "10%", "since": "2026-11-23T09:00:00Z", "reads": reads, "learned": 2000,
            "endpoints": 12, "register": 4, "intended": {}, "noisy": [], "left_out": 0, "differences": [difference],
        },
        "changes": [
            {"at": "2026-11-23T10:02:00Z", "who": "gates", "why": "gate errors of all in 5 s: 40% of 60 requests, the old side had 0%",
             "what": "back to the safe share", "family": "workspaces", "changes": [{"family": "workspaces", "from": "10%", "to": "1%"}]},
            {"at": "2026-11-23T10:01:00Z", "who": "ada", "why": "second step", "what": "set 10%", "family": "all",
             "changes": [{"family": "users", "from": "1%", "to": "10%"}, {"family": "workspaces", "from": "1%", "to": "10%"}]},
        ],
    });
    serde_json::from_value(view).unwrap()
}

fn drawn(screen: &Screen, width: u16, height: u16, colour: bool) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, screen, colour)).unwrap();
    terminal
}

#[test]
fn screen_shows_everything_at_usual_sizes() {
    let mut screen = Screen::new(view());
    screen.chosen = 1;
    insta::assert_snapshot!("80x24", drawn(&screen, 80, 24, true).backend());
    insta::assert_snapshot!("140x40", drawn(&screen, 140, 40, true).backend());
    screen.chosen = 2;
    screen.silent = true;
    insta::assert_snapshot!("80x24_failing", drawn(&screen, 80, 24, true).backend());
}

#[test]
fn no_size_breaks_it() {
    let screen = Screen::new(view());
    for width in (0..200).step_by(7) {
        for height in 0..45 {
            drawn(&screen, width, height, true);
        }
    }
}

#[test]
fn without_colour_the_words_are_the_same() {
    let screen = Screen::new(view());
    let (with, without) = (drawn(&screen, 80, 24, true), drawn(&screen, 80, 24, false));
    let text = |terminal: &Terminal<TestBackend>| terminal.backend().to_string();
    assert_eq!(text(&with), text(&without));
    let cells = &without.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
    assert!(with.backend().buffer().content.iter().any(|cell| cell.fg != ratatui::style::Color::Reset));
}

#[test]
fn keys_choose_pause_and_quit() {
    let mut screen = Screen::new(view());
    let mut press = |code| screen.key(KeyEvent::new(code, KeyModifiers::NONE));
    for code in [KeyCode::Down, KeyCode::Down, KeyCode::Down, KeyCode::Up, KeyCode::Char('p')] {
        assert_eq!(press(code), Next::Stay);
    }
    assert_eq!(press(KeyCode::Char('q')), Next::Quit);
    assert_eq!((screen.chosen, screen.paused), (1, true));
    assert_eq!(screen.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Next::Quit);
    screen.view.families.clear();
    screen.heard(screen.view.clone());
    assert_eq!(screen.chosen, 0);
    drawn(&screen, 80, 24, true);
}

#[test]
fn printed_once_it_is_plain_text() {
    let lines: Vec<String> =
        text::everything(&view()).iter().map(|line| line.to_string().trim_end().to_owned()).collect();
    insta::assert_snapshot!("once", lines.join("\n"));
}
