//! The words and numbers of `top`, section by section. Colours only repeat what words say.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gateway::Condition;
use gateway::control::view::{FamilyView, InstanceView, View};
use gateway::counters::{Point, SidePoint};
use gateway::forced::Side;
use gateway::gates::Verdict;
use gateway::shadow::Mode;
use gateway::split::Share;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::Screen;
use super::spark::{self, Read};

const OLD: Style = Style::new().fg(Color::Blue);
const NEW: Style = Style::new().fg(Color::Yellow);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const QUIET: Style = Style::new().add_modifier(Modifier::DIM);

/// From here on there is room for more columns.
const WIDE: usize = 110;
/// Of what is printed once.
const PRINTED: usize = 110;

pub(super) fn quiet(text: String) -> Span<'static> {
    Span::styled(text, QUIET)
}

/// Keeps bold, dim and reversed.
pub(super) fn without_colour(mut style: Style) -> Style {
    style.fg = None;
    style.bg = None;
    style
}

fn heading(text: &str) -> Line<'static> {
    Line::styled(text.to_owned(), BOLD.add_modifier(Modifier::UNDERLINED))
}

/// Everything about every family, without lines of bars.
pub(super) fn everything(view: &View) -> Vec<Line<'static>> {
    let mut lines = vec![Line::raw(format!("Gateway at {:.0}", view.at))];
    lines.extend(families(view, None, usize::MAX, PRINTED));
    for (name, family) in view.families.iter().filter(|(_, family)| family.is_movable) {
        lines.push(Line::raw(format!("{name}: {}", state(family))));
        lines.extend(gates(name, family, PRINTED));
        lines.extend(endpoints(family, PRINTED));
    }
    lines.extend(instances(view, PRINTED));
    lines.extend(shadow(view, PRINTED));
    lines.extend(changes(view, PRINTED));
    lines
}

pub(super) fn head(screen: &Screen, width: usize) -> Line<'static> {
    let at = clock(screen.view.at);
    let (word, style) = match (screen.paused, screen.silent) {
        (true, _) => ("PAUSED: what you see is old", BAD),
        (_, true) => ("NO ANSWER: what you see is old", BAD),
        _ => ("live", GOOD),
    };
    let keys = "up/down family  p pause  q quit";
    let mut line =
        Line::from(vec![Span::styled("Gateway  ", BOLD), Span::raw(at), Span::raw("  "), Span::styled(word, style)]);
    if let Some(gap) = width.checked_sub(line.width() + keys.len()).filter(|gap| *gap > 1) {
        line.push_span(Span::raw(" ".repeat(gap)));
        line.push_span(quiet(keys.to_owned()));
    }
    line
}

/// One sentence on the share of a family.
fn state(family: &FamilyView) -> String {
    let mut text = match family.share {
        Share::NONE => "everybody is on the old side".to_owned(),
        Share::ALL => "everybody is on the new side".to_owned(),
        share => format!("{share} of people are on the new side"),
    };
    if let Some(seconds) = family.lease_seconds {
        let holder = family.holder.as_deref().unwrap_or("nobody yet");
        let _ = write!(text, "; lease ends in {} s, renewed by {holder}; safe share {}", seconds.ceil(), family.safe);
    } else if family.share > Share::NONE {
        text += "; confirmed as safe";
    }
    if family.frozen {
        text += "; frozen until thaw";
    }
    text
}

pub(super) fn families(view: &View, chosen: Option<usize>, most: usize, width: usize) -> Vec<Line<'static>> {
    let wide = width >= WIDE;
    let longest = view.families.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let name_width = longest.clamp(6, if wide { 24 } else { 9 });
    let side_head = if wide { "    /s    err    p50    p95    p99" } else { "    /s   err   p50   p99" };
    let (more_head, lease_head) = if wide { ("   safe", "lease         ") } else { ("", "lease") };
    let mut lines = vec![Line::styled(
        format!(
            "  {:name_width$}  share{more_head} {lease_head}|OLD{}|NEW{}|gates",
            "family",
            &side_head[3..],
            &side_head[3..]
        ),
        BOLD,
    )];
    // The chosen one is always among those that are shown.
    let from = chosen.map_or(0, |chosen| chosen.saturating_sub(most.saturating_sub(1)));
    for (index, (name, family)) in view.families.iter().enumerate().skip(from).take(most) {
        let is_chosen = chosen == Some(index);
        let mut name = name.clone();
        if name.chars().count() > name_width {
            name = name.chars().take(name_width - 1).chain(['…']).collect();
        }
        name = format!("{}{name:name_width$}", if is_chosen { "> " } else { "  " });
        let share = if family.is_movable { family.share.to_string() } else { "-".to_owned() };
        let safe = if family.is_movable { family.safe.to_string() } else { "-".to_owned() };
        let lease = match (family.lease_seconds, &family.holder) {
            _ if family.frozen => "froz.".to_owned(),
            (None, _) => "-".to_owned(),
            (Some(seconds), Some(holder)) if wide => format!("{:.0} s {holder}", seconds.ceil()),
            (Some(seconds), _) => format!("{:.0} s", seconds.ceil()),
        };
        let mut spans = vec![Span::styled(name, if is_chosen { BOLD } else { Style::new() })];
        spans.push(Span::raw(format!(" {share:>6}")));
        if wide {
            let lease: String = lease.chars().take(14).collect();
            spans.push(Span::raw(format!(" {safe:>6} {lease:14}")));
        } else {
            spans.push(Span::raw(format!(" {lease:5}")));
        }
        for (side, style) in [(Side::Legacy, OLD), (Side::Platform, NEW)] {
            spans.push(quiet("|".to_owned()));
            spans.extend(numbers(family.lately.as_ref(), side, style, wide));
        }
        spans.push(quiet("|".to_owned()));
        spans.push(verdict(family));
        lines.push(Line::from(spans));
    }
    let hidden = view.families.len().saturating_sub(most);
    if hidden > 0
        && let Some(first) = lines.first_mut()
    {
        first.push_span(quiet(format!(" +{hidden}")));
    }
    lines
}

fn numbers(lately: Option<&Point>, side: Side, style: Style, wide: bool) -> Vec<Span<'static>> {
    let Some(point) = lately else { return vec![quiet(" ".repeat(if wide { 34 } else { 24 }))] };
    let one = spark::side(point, side);
    let errors = errors(one, point);
    let error_style = if errors.is_some_and(|errors| errors > 0.0) { BAD } else { style };
    let width = if wide { 6 } else { 5 };
    let cell = |text: String| Span::styled(format!(" {text:>width$}"), style);
    let mut spans = vec![Span::styled(format!("{:>6}", short(rate(one, point))), style)];
    spans.push(Span::styled(format!(" {:>width$}", errors.map_or_else(|| "-".to_owned(), percent)), error_style));
    spans.push(cell(millis(one.p50_ms)));
    if wide {
        spans.push(cell(millis(one.p95_ms)));
    }
    spans.push(cell(millis(one.p99_ms)));
    spans
}

fn verdict(family: &FamilyView) -> Span<'static> {
    match family.gates.as_ref().map(|gates| &gates.verdict) {
        None => quiet("-".to_owned()),
        Some(Verdict::Pass) => Span::styled("pass", GOOD),
        Some(Verdict::Idle(_)) => quiet("idle".to_owned()),
        Some(Verdict::Hold(_)) => Span::raw("hold"),
        Some(Verdict::Fail(_)) => Span::styled("FAIL", BAD),
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a few seconds")]
fn rate(side: &SidePoint, point: &Point) -> Option<f64> {
    (point.millis > 0).then(|| side.requests as f64 * 1000.0 / point.millis as f64)
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a few seconds")]
fn errors(side: &SidePoint, _: &Point) -> Option<f64> {
    (side.requests > 0).then(|| side.errors as f64 * 100.0 / side.requests as f64)
}

fn short(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.1}"),
    }
}

fn percent(value: f64) -> String {
    if value >= 99.95 { "100%".to_owned() } else { format!("{value:.1}%") }
}

fn millis(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value >= 10_000.0 => format!("{:.0}s", value / 1000.0),
        Some(value) if value >= 1000.0 => format!("{:.1}s", value / 1000.0),
        Some(value) if value >= 100.0 => format!("{value:.0}ms"),
        Some(value) if value >= 10.0 => format!("{value:.0}ms"),
        Some(value) => format!("{value:.1}ms"),
    }
}

/// What a line of bars is called, what it shows, and how its number is written.
type Bars = (&'static str, Read, fn(f64) -> String);

const LINES: [Bars; 5] = [
    ("req/s", rate, |value| short(Some(value))),
    ("errors", errors, percent),
    ("p50", |side, _| side.p50_ms, |value| millis(Some(value))),
    ("p95", |side, _| side.p95_ms, |value| millis(Some(value))),
    ("p99", |side, _| side.p99_ms, |value| millis(Some(value))),
];

/// Both sides of a family side by side over the last three minutes.
pub(super) fn sides(name: &str, family: &FamilyView, width: usize) -> Vec<Line<'static>> {
    let bars = width.saturating_sub(7 + 2 * 9) / 2;
    let mut lines = wrapped(&[Span::styled(format!("{name}: "), BOLD)], &state(family), width, Style::new());
    let gap = " ".repeat((8 + bars).saturating_sub("old side, last 3 minutes".len()) + 1);
    lines.push(Line::from(vec![
        Span::raw(" ".repeat(9)),
        Span::styled("old side, last 3 minutes", OLD.add_modifier(Modifier::UNDERLINED)),
        Span::raw(gap),
        Span::styled("new side, same scale", NEW.add_modifier(Modifier::UNDERLINED)),
    ]));
    for (word, read, format) in LINES {
        let drawn = spark::both(family, read, bars);
        let mut spans = vec![quiet(format!("{word:7}"))];
        for ((side, style), bars) in [(Side::Legacy, OLD), (Side::Platform, NEW)].into_iter().zip(drawn) {
            let value = family.lately.as_ref().and_then(|point| read(spark::side(point, side), point));
            let value = value.map_or_else(|| "-".to_owned(), format);
            spans.push(Span::styled(format!(" {value:>7} {bars}"), style));
        }
        lines.push(Line::from(spans));
    }
    lines
}

pub(super) fn gates(name: &str, family: &FamilyView, width: usize) -> Vec<Line<'static>> {
    let Some(gates) = &family.gates else { return Vec::new() };
    let (verdict, style) = match &gates.verdict {
        Verdict::Pass => ("pass".to_owned(), GOOD),
        Verdict::Idle(reason) => (format!("idle: {reason}"), Style::new()),
        Verdict::Hold(reason) => (format!("hold: {reason}"), Style::new()),
        Verdict::Fail(reason) => (format!("FAIL: {reason}"), BAD),
    };
    let armed = if gates.armed { "" } else { " (not armed: a failure does not return traffic by itself)" };
    let mut lines =
        wrapped(&[Span::styled(format!("Gates of {name} "), BOLD)], &format!("{verdict}{armed}"), width, style);
    if let (true, Some(because)) = (gates.state != "quiet", &gates.because) {
        lines.extend(wrapped(&[Span::styled(format!("  {}: ", gates.state), BAD)], because, width, Style::new()));
    }
    lines
}

/// Endpoints of the last minute that had errors.
pub(super) fn endpoints(family: &FamilyView, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for one in family.endpoints.iter().filter(|one| one.legacy[1] + one.platform[1] > 0) {
        if lines.is_empty() {
            lines.push(heading("Endpoints with errors in the last minute"));
        }
        let side = |[requests, errors, _]: [u64; 3]| format!("{errors} of {requests}");
        let text = format!("{}: old side {}, new side {}", one.endpoint, side(one.legacy), side(one.platform));
        lines.push(cut(vec![Span::raw("  "), Span::raw(text)], width));
    }
    lines
}

fn instance(instance: &InstanceView) -> [Span<'static>; 2] {
    let (word, style) = match instance.condition {
        Condition::Well => ("well", GOOD),
        Condition::Ejected => ("LEFT OUT: too many failures", BAD),
        Condition::Unwell => ("UNWELL: fails its checks", BAD),
    };
    let sides: Vec<&str> =
        instance.sides.iter().map(|side| if *side == Side::Legacy { "old" } else { "new" }).collect();
    [Span::raw(format!("{} {} ", instance.address, sides.join("+"))), Span::styled(word, style)]
}

pub(super) fn instances(view: &View, width: usize) -> Vec<Line<'static>> {
    let well = view.instances.iter().filter(|one| one.condition == Condition::Well).count();
    let mut lines = vec![Line::from(vec![
        Span::styled("Instances ", BOLD),
        Span::raw(format!("{well} of {} well", view.instances.len())),
    ])];
    // Those that are not well first.
    let (unwell, rest): (Vec<_>, Vec<_>) = view.instances.iter().partition(|one| one.condition != Condition::Well);
    for one in unwell.into_iter().chain(rest) {
        let spans = instance(one);
        let length: usize = spans.iter().map(Span::width).sum();
        match lines.last_mut() {
            Some(line) if line.width() + length + 3 <= width => {
                line.push_span(Span::raw("   "));
                line.extend(spans);
            }
            _ => lines.push([Span::raw("  ")].into_iter().chain(spans).collect()),
        }
    }
    lines
}

pub(super) fn shadow(view: &View, width: usize) -> Vec<Line<'static>> {
    let shadow = &view.shadow;
    let reads = &shadow.reads;
    let words = match shadow.mode {
        Mode::Off => "off".to_owned(),
        Mode::Learning => format!("learns from {} of reads, {} of 2000 pairs", shadow.rate, shadow.learned),
        Mode::Comparing => format!(
            "compares {} of reads: {} compared, {} differ, {} as intended, {} noise, {} dropped",
            shadow.rate, reads.compared, reads.different, reads.intended, reads.noise, reads.dropped
        ),
    };
    let mut lines = wrapped(&[Span::styled("Shadow ", BOLD)], &words, width, Style::new());
    for one in &shadow.differences {
        let text = format!("{} x {} {}: {} / {}", one.count, one.endpoint, one.field, one.legacy, one.platform);
        lines.push(cut(vec![Span::raw("  "), Span::raw(text)], width));
    }
    lines
}

pub(super) fn changes(view: &View, width: usize) -> Vec<Line<'static>> {
    if view.changes.is_empty() {
        return vec![Line::from(vec![Span::styled("Changes ", BOLD), Span::raw("none since the gateway started")])];
    }
    let mut lines = vec![heading("Changes")];
    for entry in &view.changes {
        let at = clock(entry.at);
        let moved: BTreeSet<String> =
            entry.changes.iter().map(|one| format!("{} {} -> {}", one.family, one.from, one.to)).collect();
        let moved: Vec<String> = moved.into_iter().collect();
        let what = if moved.is_empty() { String::new() } else { format!(" [{}]", moved.join(", ")) };
        let family = entry.family.as_ref().map(|family| format!(" ({family})")).unwrap_or_default();
        let spans = vec![
            quiet(format!("  {at} ")),
            Span::styled(entry.who.clone(), BOLD),
            Span::raw(format!(" {}{family}{what}: {}", entry.what, entry.why)),
        ];
        lines.push(cut(spans, width));
    }
    lines
}

/// At most `width` characters, with an ellipsis where something is missing.
fn cut(spans: Vec<Span<'static>>, width: usize) -> Line<'static> {
    let mut left = width.saturating_sub(6);
    let mut line = Line::default();
    for span in spans {
        let length = span.content.chars().count();
        if length > left {
            let text: String = span.content.chars().take(left).collect();
            line.push_span(Span::styled(format!("{text}…"), span.style));
            return line;
        }
        left -= length;
        line.push_span(span);
    }
    line
}

/// Text after `first`, broken between words.
fn wrapped(first: &[Span<'static>], text: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(first.to_vec())];
    let mut room = width.saturating_sub(first.iter().map(Span::width).sum::<usize>() + 6);
    let mut now = String::new();
    for word in text.split(' ') {
        if !now.is_empty() && now.chars().count() + 1 + word.chars().count() > room {
            if let Some(line) = lines.last_mut() {
                line.push_span(Span::styled(std::mem::take(&mut now), style));
            }
            lines.push(Line::raw("    "));
            room = width.saturating_sub(10);
        }
        if !now.is_empty() {
            now.push(' ');
        }
        now.push_str(word);
    }
    if let Some(line) = lines.last_mut() {
        line.push_span(Span::styled(now, style));
    }
    lines
}

/// In UTC, as the log has it.
fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%SZ").to_string()
}
