//! A tool that is killed, at every record it writes and at any other moment, and a journal that lost its end.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyairtable_cutover::backup::check_files;
use pyairtable_cutover::digest::TableDigest;
use pyairtable_cutover::journal::{self, Moment, Record, Witness};
use pyairtable_cutover::run::{Folder, State, Wishes, status};
use pyairtable_cutover::{Exit, steps};
use rustix::process::{Pid, Signal, getpid, kill_process};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;

use crate::support::{Dice, long, old_world, run_all, seed, setup, text};

/// What a child is told: folder, database, signal, moment and record, in lines.
const ORDERS: &str = "CUTOVER_TEST_CHILD";

/// Not a test: what the tests here start as a process of its own, to kill it.
#[tokio::test]
#[ignore = "started by other tests"]
#[expect(clippy::disallowed_methods, clippy::exit, reason = "the orders of a child, and its answer")]
async fn crash_child() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [folder, url, signal, moment, seq] = orders.lines().collect::<Vec<_>>()[..] else { panic!("{orders}") };
    let signal = if signal == "STOP" { Signal::STOP } else { Signal::KILL };
    let (moment, seq) = (moment.to_owned(), seq.parse::<u64>().unwrap());
    let witness: Witness = Arc::new(move |now: Moment, record: &Record| {
        if record.seq == seq && format!("{now:?}") == moment {
            kill_process(getpid(), signal).unwrap();
        }
    });
    let done = run_all(setup(Path::new(folder), &url.parse().unwrap(), Wishes::default(), Some(witness))).await;
    if let Err(error) = &done {
        eprintln!("{error}");
    }
    std::process::exit(done.err().map_or(Exit::Done, |error| error.exit()).code().into());
}

/// Starts a run in a process of its own. It sends itself `signal` at a moment of a record.
pub(crate) fn child(folder: &Path, db: &TestDb, signal: &str, moment: &str, seq: u64) -> Child {
    let socket = match &db.config().get_hosts()[0] {
        tokio_postgres::config::Host::Unix(path) => path.display().to_string().replace('/', "%2F"),
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
    };
    let url = format!("postgres://postgres@{socket}/{}", db.config().get_dbname().unwrap());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "crash::crash_child"])
        .env(ORDERS, format!("{}\n{url}\n{signal}\n{moment}\n{seq}", folder.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

pub(crate) fn pid(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// What a finished run has come to.
#[derive(Debug, PartialEq)]
struct Result {
    fingerprint: String,
    digests: std::collections::BTreeMap<String, TableDigest>,
}

async fn result(folder: &Path, db: &TestDb) -> Result {
    let mut found = status(&Folder::at(folder), &steps::preparation()).unwrap();
    // Another test that starts a program holds a copy of every lock until that runs.
    for _ in 0..100 {
        if found.state != State::Running {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        found = status(&Folder::at(folder), &steps::preparation()).unwrap();
    }
    assert_eq!(found.state, State::Done, "{found:#?}");
    let left: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("partial")), "{left:?}");
    let scratch = format!("SELECT count(*)::text FROM pg_database WHERE datname = '{}'", found.plan.unwrap().scratch());
    assert_eq!(text(&db.superuser().await, &scratch).await, "0", "the scratch database is dropped");
    let (manifest, _) = check_files(&folder.join("backup")).unwrap();
    Result { fingerprint: manifest.fingerprint, digests: manifest.digests }
}

async fn resume(folder: &Path, db: &TestDb) -> Result {
    run_all(setup(folder, db.url(), Wishes::default(), None)).await.unwrap();
    result(folder, db).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_every_record_resumes_to_the_same_result() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    // The first run expands the schema, the second logs the new tables too, and those after them find both; kills of an
    // expansion are tried beside it.
    for before in ["first", "second"] {
        resume(&folder.path().join(before), &db).await;
    }
    let expected = resume(&folder.path().join("whole"), &db).await;
    let records = journal::read(&folder.path().join("whole/journal.jsonl")).unwrap().records;
    assert!(records.len() >= 20, "{records:#?}");
    let moments: &[&str] = if long() { &["Before", "Written", "Synced"] } else { &["Synced"] };
    for record in &records {
        for moment in moments {
            let run = folder.path().join(format!("{}-{moment}", record.seq));
            let mut child = child(&run, &db, "KILL", moment, record.seq);
            assert_eq!(child.wait().unwrap().code(), None, "killed at {moment} {record:?}");
            assert_eq!(resume(&run, &db).await, expected, "{moment} {record:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_at_any_instant_resumes_to_the_same_result() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    // The first run expands the schema, the second logs the new tables too, and those after them find both; kills of an
    // expansion are tried beside it.
    for before in ["first", "second"] {
        resume(&folder.path().join(before), &db).await;
    }
    let expected = resume(&folder.path().join("whole"), &db).await;
    let began = Instant::now();
    assert!(child(&folder.path().join("timed"), &db, "KILL", "Never", 0).wait().unwrap().success());
    let takes = usize::try_from(began.elapsed().as_micros()).unwrap();
    let dice = Dice::new(seed());
    let mut unfinished = 0;
    for round in 0..if long() { 200 } else { 20 } {
        let run = folder.path().join(round.to_string());
        let mut child = child(&run, &db, "KILL", "Never", 0);
        tokio::time::sleep(Duration::from_micros(dice.below(takes) as u64)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        unfinished += u32::from(!run.join("trial.json").exists());
        assert_eq!(resume(&run, &db).await, expected, "round {round}");
    }
    eprintln!("{unfinished} runs were killed before their end");
    assert!(unfinished > 3, "{unfinished}");
}

#[tokio::test]
async fn crash_that_cost_the_end_of_the_journal_resumes_to_the_same_result() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let expected = resume(&run, &db).await;
    let whole = fs::read(run.join("journal.jsonl")).unwrap();
    let manifest = fs::read(run.join("backup/manifest.json")).unwrap();
    let step = if long() { 1 } else { 173 };
    for length in (whole.len().saturating_sub(4096)..whole.len()).step_by(step) {
        fs::write(run.join("journal.jsonl"), &whole[..length]).unwrap();
        assert_eq!(resume(&run, &db).await, expected, "{length} bytes left");
        assert_eq!(fs::read(run.join("backup/manifest.json")).unwrap(), manifest, "the backup was made again");
    }
    // Damage elsewhere is refused, and what the refusal says helps.
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 4;
    fs::write(run.join("journal.jsonl"), &damaged).unwrap();
    let error = run_all(setup(&run, db.url(), Wishes::default(), None)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs);
    let remedy = error.to_string();
    let from = remedy.find("`mv ").unwrap() + 1;
    let command = &remedy[from..from + remedy[from..].find('`').unwrap()];
    assert!(Command::new("sh").args(["-c", command]).status().unwrap().success());
    assert_eq!(resume(&run, &db).await, expected);
}
