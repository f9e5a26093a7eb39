//! The report of runs on a real database and through a real gateway, beside what their journals say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gateway::control;
use gateway::split::Share;
use jiff::Timestamp;
use kernel::SystemClock;
use pyairtable_cutover::journal::{self, Entry, Journal};
use pyairtable_cutover::report::{self, Format, Outcome, Report, State};
use pyairtable_cutover::run::{Call, Cx, Folder, Wishes};
use pyairtable_cutover::shift::series::{Line, Second, Side};
use pyairtable_cutover::{Error, Exit, run, steps};
use serde_json::{Value, json};
use testkit::legacy::layouts::Layout;

use crate::shift::World;
use crate::support::{old_world, setup};

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn read(folder: &Folder) -> Report {
    report::read(folder, now()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A folder with a plan, and a journal with these records.
fn folder(at: &Path, entries: impl IntoIterator<Item = Entry>) -> Folder {
    let plan = json!({
        "format": 1, "run": "0011223344556677", "made_at": "2026-11-23T10:00:00Z", "database": "<script>alert('db')</script>",
        "system": "1", "archive": ["/srv/\"><img src=x onerror=alert(1)>"], "jobs": 2, "shift": null,
    });
    std::fs::write(at.join("plan.json"), plan.to_string()).unwrap();
    let folder = Folder::at(at);
    let mut journal = Journal::open(&folder.journal(), Arc::new(SystemClock), None).unwrap();
    journal.append(Entry::Head { format: 1, run: "0011223344556677".into(), program: "0.1.0".into() }).unwrap();
    entries.into_iter().for_each(|entry| journal.append(entry).unwrap());
    folder
}

fn opened(holder: &str) -> Entry {
    Entry::Opened { holder: holder.to_owned(), token: 1, program: "0.1.0".to_owned() }
}

/// Up to a half, back by itself, up to everybody, and back by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn report_says_what_journal_and_series_say() {
    let world = World::on(old_world(Layout::Public, 40).await).await;
    let folder = Folder::at(world.folder.path().join("run"));
    let plan = "10%:3s:unless-failing,50%:30s:unless-failing,100%:2s:unless-failing";
    let breaks = async {
        let began = Instant::now();
        while world.share().await != "50%" {
            assert!(began.elapsed() < Duration::from_mins(1), "never at 50 %");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let held = read(&folder);
        assert_eq!(held.verdict.state, State::Running, "{}", held.verdict.sentence);
        assert_eq!(
            held.steps.iter().find(|step| step.name == "shift-50").unwrap().attempts[0].outcome,
            Outcome::Running
        );
        world.new.broken.store(true, Ordering::Relaxed);
    };
    let (ended, ()) = tokio::join!(world.steps(plan, None, true), breaks);
    assert_eq!(ended.unwrap_err().exit(), Exit::Returned);
    let returned = read(&folder);
    assert_eq!(
        (returned.verdict.state, returned.verdict.returns),
        (State::Returned, 1),
        "{}",
        returned.verdict.sentence
    );
    assert!(returned.verdict.sentence.contains("from 50%"), "{}", returned.verdict.sentence);
    let decision = returned.decisions.last().unwrap();
    assert_eq!((decision.what.as_str(), decision.share.as_str()), ("return", "50%"));
    assert!(decision.reason.as_ref().unwrap().contains("users"), "{decision:?}");
    let users = &decision.families["users"];
    assert!(users.summaries.iter().any(|sum| sum.errors > 0), "what was measured is kept: {users:?}");
    assert!(!users.gates.as_ref().unwrap().findings.is_empty());
    let back = returned.changes.iter().find(|change| change.who == "gates").expect("the gateway told of it");
    assert_eq!(back.changes[0].from, "50%".parse::<Share>().unwrap());

    world.new.broken.store(false, Ordering::Relaxed);
    // The gates look at the last half minute; what was broken is not held against what is mended.
    tokio::time::sleep(Duration::from_secs(31)).await;
    let order = json!({ "family": "all", "who": "ada", "why": "mended" });
    assert!(control::client::ask(&world.socket, "/thaw", Some(&order)).await.unwrap().done);
    let quick = plan.replace("30s", "2s");
    let text = std::fs::read_to_string(folder.plan()).unwrap().replace("\"hold\": 30", "\"hold\": 2");
    std::fs::write(folder.plan(), text).unwrap();
    world.steps(&quick, None, true).await.unwrap();
    let done = read(&folder);
    as_the_journal(&done, &folder);
    as_the_services(&done, &world);
    assert_eq!((done.verdict.state, done.verdict.returns), (State::TakenOver, 1), "{}", done.verdict.sentence);
    assert_eq!((done.verdict.share.as_deref(), done.verdict.rows_differ), (Some("100%"), Some(0)));
    assert!(done.verdict.sentence.contains("0 differ; "), "{}", done.verdict.sentence);
    assert!(done.verdict.sentence.contains("1 automatic return."), "{}", done.verdict.sentence);
    report::write(&folder, now()).unwrap();
    assert!(report::check(&folder).unwrap().same);

    let mut cx = Cx::open(setup(folder.path(), world.db.url(), Wishes::default(), None)).await.unwrap();
    let all = steps::of(&cx.plan);
    let undone = run::roll_back(&mut cx, &all).await.unwrap();
    cx.close(Exit::RolledBack).await;
    let rolled = read(&folder);
    as_the_journal(&rolled, &folder);
    assert_eq!((rolled.verdict.state, rolled.verdict.share.as_deref()), (State::RolledBack, Some("0%")));
    assert_eq!(rolled.rollbacks[0].steps, undone);
    let checked = report::check(&folder).unwrap();
    assert!(!checked.same && checked.since > 0, "a report that is older than its run is no forgery: {checked:?}");

    same_everywhere(&folder, &rolled);
    nothing_can_be_changed(&folder);
}

/// Counted in another way than the report does.
fn as_the_journal(report: &Report, folder: &Folder) {
    let records = journal::read(&folder.journal()).unwrap().records;
    let count = |is: fn(&Entry) -> bool| records.iter().filter(|record| is(&record.entry)).count();
    assert_eq!(report.signature.records, records.len());
    assert_eq!(report.sessions.len(), count(|entry| matches!(entry, Entry::Opened { .. })));
    let attempts: Vec<_> = report.steps.iter().flat_map(|step| &step.attempts).collect();
    let of = |outcome| attempts.iter().filter(|attempt| attempt.outcome == outcome).count();
    assert_eq!(of(Outcome::Done), count(|entry| matches!(entry, Entry::Finished { already: false, .. })));
    assert_eq!(of(Outcome::Failed) + of(Outcome::Returned), count(|entry| matches!(entry, Entry::Failed { .. })));
    assert_eq!(of(Outcome::Undone), count(|entry| matches!(entry, Entry::Undone { .. })));
    assert_eq!(of(Outcome::Lost) + of(Outcome::Running), 0, "{attempts:#?}");
    let calls: usize = attempts.iter().map(|attempt| attempt.calls.len()).sum();
    assert_eq!(calls, count(|entry| matches!(entry, Entry::Calling { .. })));
    assert!(attempts.iter().flat_map(|attempt| &attempt.calls).all(|call| call.seconds >= 0.0));
    let statements = records
        .iter()
        .filter(|record| matches!(&record.entry, Entry::Calling { step, call: Call::Sql { .. } } if step == "expand"));
    assert_eq!(report.expansion.len(), statements.count());
    assert!(report.expansion.len() > 10);
    assert_eq!(report.decisions.len(), count(|entry| matches!(entry, Entry::Noted { key, .. } if key == "decision")));

    let at = |is: &dyn Fn(&Entry) -> bool| records.iter().rev().find(|record| is(&record.entry)).unwrap();
    let finished = at(&|entry| matches!(entry, Entry::Finished { step, .. } if step == "backup"));
    let began = at(&|entry| matches!(entry, Entry::Clearing { step } if step == "backup"));
    let Entry::Finished { outcome, .. } = &finished.entry else { panic!("finished") };
    let backup = report.backup.as_ref().unwrap();
    let took = finished.at.duration_since(began.at).as_secs_f64();
    assert!((backup.seconds.unwrap() - took).abs() < 1e-6, "{:?} and {took}", backup.seconds);
    assert_eq!(outcome["manifest_sha256"], backup.manifest_sha256.as_str());
    assert_eq!(backup.journal_sha256.as_ref(), Some(&backup.manifest_sha256));
    assert_eq!(outcome["rows"], backup.tables.iter().map(|table| table.count).sum::<u64>());
    assert!(backup.tables.iter().all(|table| table.restored == Some(true)));
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.backup().join("manifest.json")).unwrap()).unwrap();
    for table in &backup.tables {
        assert_eq!(manifest["digests"][&table.table]["digest"], table.digest.as_str());
    }
}

/// The series is what the services saw: all but the seconds before the run, between its tools and while it soaks.
fn as_the_services(report: &Report, world: &World) {
    let traffic = report.traffic.as_ref().unwrap();
    assert_eq!(traffic.families.keys().collect::<Vec<_>>(), ["all", "notifications", "site", "users"]);
    let curve = &traffic.families["users"];
    let answered = world.new.answered.load(Ordering::Relaxed);
    assert!(curve.new.requests <= answered && curve.new.requests * 10 > answered * 3, "{:?} of {answered}", curve.new);
    assert!(curve.new.errors > 0 && curve.old.errors == 0, "{curve:?}");
    let sum: u64 = curve.points.iter().map(|point| point.new.requests).sum();
    assert_eq!(sum, curve.new.requests);
    let shares: Vec<String> = curve.points.iter().map(|point| point.share.to_string()).collect();
    for share in ["0%", "10%", "50%", "100%"] {
        assert!(shares.iter().any(|seen| seen == share), "{share} was in force: {shares:?}");
    }
    let mut times: Vec<Timestamp> = curve.points.iter().map(|point| point.at).collect();
    times.dedup();
    assert_eq!(times.len(), curve.points.len(), "no second is there twice, although five tools looked");
    assert_eq!(report.verdict.requests, curve.old.requests + curve.new.requests);
    let moved: Vec<&str> =
        report.changes.iter().filter(|one| !one.changes.is_empty()).map(|change| change.who.as_str()).collect();
    // The second after the gates is the tool that takes the families along that nobody asks for.
    assert_eq!(moved, ["cutover", "cutover", "gates", "cutover", "cutover", "cutover"], "{:#?}", report.changes);
}

fn same_everywhere(folder: &Folder, report: &Report) {
    let elsewhere = tempfile::tempdir().unwrap();
    copy(folder.path(), elsewhere.path());
    let copied = report::read(&Folder::at(elsewhere.path()), now()).unwrap();
    for format in Format::ALL {
        let (one, other) = (format.render(report), format.render(&copied));
        assert!(one == other, "{format:?} is the same wherever the folder is");
    }
    let later = report::read(folder, "2027-01-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(Report { generated_at: now(), ..later.clone() }, *report);
    assert!(Format::Html.render(&later) != Format::Html.render(report));
    let read: Report = serde_json::from_slice(&Format::Json.render(report)).unwrap();
    assert_eq!(read, *report, "nothing is lost on the way through JSON");
}

/// Each file that a report stands on, and each form of it.
fn nothing_can_be_changed(folder: &Folder) {
    report::write(folder, now()).unwrap();
    assert!(report::check(folder).unwrap().same);
    for name in
        ["report.json", "report.html", "report.md", "series.jsonl", "discovery.json", "plan.json", "journal.jsonl"]
    {
        let path = folder.path().join(name);
        let before = std::fs::read(&path).unwrap();
        // The last digit: wherever it is, the file says something else then.
        let mut bytes = before.clone();
        let at = bytes.iter().rposition(u8::is_ascii_digit).unwrap();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        std::fs::write(&path, bytes).unwrap();
        let error = report::check(folder).expect_err(name);
        assert_eq!(error.exit(), Exit::Differs, "{name}: {error}");
        std::fs::write(&path, before).unwrap();
        assert!(report::check(folder).unwrap().same);
    }
    // A journal that lost its end, as if the last records had never been.
    let before = std::fs::read(folder.journal()).unwrap();
    let end = before[..before.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap();
    std::fs::write(folder.journal(), &before[..=end]).unwrap();
    assert_eq!(report::check(folder).unwrap_err().exit(), Exit::Differs);
    std::fs::write(folder.journal(), before).unwrap();
}

#[test]
fn report_needs_a_run() {
    let at = tempfile::tempdir().unwrap();
    let error = report::read(&Folder::at(at.path()), now()).unwrap_err();
    assert_eq!(error.exit(), Exit::Refused);
    assert!(error.to_string().contains("--dir") && error.to_string().contains("cutover run`"), "{error}");
    let folder = folder(at.path(), []);
    assert_eq!(read(&folder).verdict.state, State::Planned);
    assert_eq!(report::check(&folder).unwrap_err().exit(), Exit::Refused, "no report was kept");
}

#[test]
fn report_is_made_of_a_journal_whose_end_is_torn_and_of_no_other() {
    let at = tempfile::tempdir().unwrap();
    let folder = folder(at.path(), [opened("process 1 on a"), Entry::Clearing { step: "backup".into() }]);
    let whole = read(&folder);
    assert_eq!(whole.verdict.state, State::Lost, "{}", whole.verdict.sentence);
    let mut bytes = std::fs::read(folder.journal()).unwrap();
    let length = bytes.len();
    bytes.extend_from_slice(b"{\"seq\":3,\"at\":\"2026");
    std::fs::write(folder.journal(), &bytes).unwrap();
    let torn = read(&folder);
    assert_eq!((&torn.verdict, &torn.signature), (&whole.verdict, &whole.signature));
    assert!(torn.remarks.iter().any(|remark| remark.contains("19 bytes")), "{:?}", torn.remarks);
    bytes.truncate(length);
    bytes[length / 2] ^= 1;
    std::fs::write(folder.journal(), &bytes).unwrap();
    assert_eq!(report::read(&folder, now()).unwrap_err().exit(), Exit::Differs);
}

/// What the page and the Markdown may contain, whatever stands in the folder.
#[test]
fn report_shows_markup_as_text_and_no_secret() {
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>|`\u{202e}";
    let secrets = "could not connect to postgres://ada:hunter2@db/x: JWT_SECRET=hunter2 PASSWORD 'hunter2'";
    let at = tempfile::tempdir().unwrap();
    let program = ["pg_dump", "--dbname=postgres://ada:hunter2@db/x", evil].map(str::to_owned).to_vec();
    let families = json!({ "<script>f</script>": {
        "share": "10%",
        "gates": { "verdict": "fail", "reason": evil, "armed": true, "state": "failing", "because": evil,
            "findings": [{ "metric": "errors", "class": "read", "verdict": "fail", "reason": evil }] },
    } });
    let decision = json!({ "what": evil, "share": evil, "reason": format!("{evil} {secrets}"), "families": families });
    let folder = folder(
        at.path(),
        [
            opened(evil),
            Entry::Clearing { step: evil.to_owned() },
            Entry::Calling { step: evil.to_owned(), call: Call::Program(program) },
            Entry::Noted { step: evil.to_owned(), key: "decision".to_owned(), value: decision },
            Entry::Failed { step: evil.to_owned(), error: format!("{evil} {secrets}") },
            Entry::Closed { exit: 1 },
        ],
    );
    let change = json!({ "kind": "change", "at": now(), "who": evil, "why": secrets, "what": evil, "family": evil,
        "changes": [{ "family": evil, "from": "0%", "to": "10%" }] });
    let side = Side { requests: 1, ..Side::default() };
    let second = Second { family: evil.to_owned(), at: now(), millis: 1000, share: Share::ALL, old: side, new: side };
    let series = format!("{change}\n{}\n", serde_json::to_string(&Line::Second(second)).unwrap());
    std::fs::write(folder.series(), series).unwrap();
    let checks = json!({ "at": now(), "ready": false,
        "checks": [{ "check": evil, "severity": "stop", "fact": evil, "remedy": secrets }] });
    std::fs::write(folder.preflight(), checks.to_string()).unwrap();
    let rehearsal = json!({ "requests": 1, "failed": 0, "lost": 0, "doubled": 0, "seconds": 1,
        "phases": [{ "name": evil }], "naive": { "lost": 3, "notes": [evil] } });
    std::fs::write(folder.rehearsal(), rehearsal.to_string()).unwrap();

    let report = read(&folder);
    assert_eq!(report.decisions[0].families.len(), 1, "the gates' words were understood");
    for format in Format::ALL {
        let text = String::from_utf8(format.render(&report)).unwrap();
        assert!(!text.contains("hunter2"), "{format:?} tells a secret");
        assert!(text.contains("[redacted]") || text.contains("\\[redacted\\]"), "{format:?}");
        if format != Format::Json {
            assert!(text.contains("&lt;script&gt;alert(1)"), "{format:?} shows it as text");
            for forbidden in ["<script", "<img", "\u{202e}", "javascript:", "style=", "http://", "https://"] {
                assert!(!text.contains(forbidden), "{format:?} contains {forbidden}");
            }
        }
    }
}

#[test]
fn report_shows_what_a_rehearsal_found_and_refuses_what_is_none() {
    let at = tempfile::tempdir().unwrap();
    let folder = folder(at.path(), []);
    let per_second: Vec<Value> = (0..900)
        .map(|second| json!({ "at": 1_795_000_000 + second, "requests": 300, "failed": u8::from(second == 450), "p50_ms": 2, "p99_ms": 9.5 }))
        .collect();
    let rehearsal = json!({ "requests": 270_000, "failed": 1, "lost": 0, "doubled": 0, "seconds": 900.5, "per_second": per_second,
        "phases": [{ "name": "10 %", "from": 1_795_000_000, "to": 1_795_000_060, "requests": 18_000, "p50_ms": 2, "p99_ms": 9.5 }],
        "naive": { "requests": 270_000, "failed": 812, "lost": 37, "doubled": 5, "seconds": 700, "notes": ["psql < backup"] } });
    std::fs::write(folder.rehearsal(), rehearsal.to_string()).unwrap();
    let report = read(&folder);
    let html = report::html(&report);
    for text in [
        "<b>37</b>",
        "acknowledged writes lost",
        "psql &lt; backup",
        "This take-over",
        "Requests of clients that failed",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(report::markdown(&report).contains("| The naive recipe | 37 | 5 | 812 |"), "{}", report::markdown(&report));
    std::fs::write(folder.rehearsal(), "{\"requests\":1}").unwrap();
    let error = report::read(&folder, now()).unwrap_err();
    assert!(error.to_string().contains("rehearsal.json"), "{error}");
}

/// Two days of seconds: the file is long, the report is not.
#[test]
fn report_of_a_long_run_stays_small() {
    let at = tempfile::tempdir().unwrap();
    let folder = folder(at.path(), []);
    let mut text = String::new();
    let mut failed = BTreeMap::<u32, u64>::new();
    for second in 0..172_800_u32 {
        let share = Share::from_basis_points(if second < 3600 { 1000 } else { 10_000 });
        let errors = u64::from(second % 1000 == 7);
        *failed.entry(share.millionths()).or_default() += errors;
        let new =
            Side { requests: 30, errors, p50_ms: Some(2.0), p95_ms: Some(4.0), p99_ms: Some(9.0), ..Side::default() };
        let line = Line::Second(Second {
            family: "users".to_owned(),
            at: Timestamp::from_second(1_795_000_000 + i64::from(second)).unwrap(),
            millis: 1000,
            share,
            old: Side::default(),
            new,
        });
        text.push_str(&serde_json::to_string(&line).unwrap());
        text.push('\n');
    }
    std::fs::write(folder.series(), text).unwrap();
    let report = read(&folder);
    let curve = &report.traffic.as_ref().unwrap().families["users"];
    assert_eq!((curve.recorded, curve.new.requests), (172_800, 172_800 * 30));
    assert_eq!(curve.new.errors, failed.values().sum::<u64>());
    assert!(curve.points.len() <= 305, "{}", curve.points.len());
    let sizes = Format::ALL.map(|format| format.render(&report).len());
    assert!(sizes.iter().all(|size| *size < 1_000_000), "{sizes:?}");
}

/// A report of a run that somebody else holds is made without them noticing.
#[tokio::test]
async fn report_asks_for_no_lock() {
    let (db, at) = (old_world(Layout::Public, 5).await, tempfile::tempdir().unwrap());
    let cx = Cx::open(setup(at.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let folder = Folder::at(at.path());
    report::write(&folder, now()).unwrap();
    assert_eq!(read(&folder).verdict.state, State::Running);
    cx.close(Exit::Paused).await;
    assert_eq!(read(&folder).verdict.state, State::Paused);
    let held: Result<_, Error> = Cx::open(setup(at.path(), db.url(), Wishes::default(), None)).await.map(drop);
    assert!(held.is_ok(), "{held:?}");
}
