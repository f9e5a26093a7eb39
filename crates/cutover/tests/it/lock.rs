//! Two tools at once, and one that comes back after it was thought dead.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyairtable_cutover::journal::{self, Entry};
use pyairtable_cutover::run::{Cx, Folder, Pause, State, Wishes, pause, status, unpause};
use pyairtable_cutover::{Exit, run, steps};
use rustix::process::{Signal, kill_process};
use testkit::legacy::layouts::Layout;

use crate::crash::{child, pid};
use crate::support::{old_world, run_all, setup};

/// Waits until a process has stopped itself.
async fn stopped(process: u32) {
    let began = Instant::now();
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        if stat.rsplit(") ").next().unwrap().starts_with('T') {
            return;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{stat}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lock_refuses_a_second_tool_at_once_and_names_the_first() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let cx = Cx::open(setup(&run, db.url(), Wishes::default(), None)).await.unwrap();
    // In the same folder, and on the same database from another one, as from another machine.
    for other in [run.clone(), folder.path().join("other")] {
        let began = Instant::now();
        let error = Cx::open(setup(&other, db.url(), Wishes::default(), None)).await.err().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(error.exit(), Exit::Held);
        let words = error.to_string();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        for part in [&format!("process {} on {host} since 20", std::process::id()), "cutover status", "--take-over"] {
            assert!(words.contains(part), "{words}");
        }
    }
    let seen = status(&Folder::at(&run), &steps::preparation()).unwrap();
    assert_eq!((seen.state, seen.holder.unwrap().pid), (State::Running, std::process::id()));
    cx.close(Exit::Done).await;
    let seen = status(&Folder::at(&run), &steps::preparation()).unwrap();
    assert_eq!((seen.state, seen.next.as_deref()), (State::Stopped, Some("pyairtable-platform cutover run")));
    run_all(setup(&folder.path().join("other"), db.url(), Wishes::default(), None)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lock_fences_out_a_tool_that_was_stopped_and_comes_back() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let last = 12;
    // Stopped just before, just after it wrote, and when it has announced a step.
    for (moment, seq) in [("Before", 3), ("Written", 5), ("Synced", 7), ("Synced", 12)] {
        let run = folder.path().join(format!("{moment}-{seq}"));
        let mut first = child(&run, &db, "STOP", moment, seq);
        stopped(first.id()).await;
        let error = run_all(setup(&run, db.url(), Wishes::default(), None)).await.unwrap_err();
        assert!(error.to_string().contains(&format!("process {} ", first.id())), "{error}");

        let mut second = setup(&run, db.url(), Wishes::default(), None);
        second.take_over = true;
        run_all(second).await.unwrap();
        let records = journal::read(&run.join("journal.jsonl")).unwrap().records;
        let files = listing(&run);

        kill_process(pid(&first), Signal::CONT).unwrap();
        let code = first.wait().unwrap().code();
        let mut said = String::new();
        first.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(code, Some(i32::from(Exit::Held.code())), "{said}");
        assert!(said.contains("took this run over"), "{said}");
        assert_eq!(journal::read(&run.join("journal.jsonl")).unwrap().records, records, "it wrote into the journal");
        assert_eq!(listing(&run), files, "it changed files");
        assert!(records.len() >= last, "{records:#?}");
        let tokens: Vec<u64> = records
            .iter()
            .filter_map(|record| if let Entry::Opened { token, .. } = record.entry { Some(token) } else { None })
            .collect();
        assert!(tokens.is_sorted() && tokens.len() >= 2 && tokens[0] < tokens[1], "{tokens:?}");
    }
}

/// Every file with its contents.
fn listing(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let (mut all, mut open) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let contents = std::fs::read(&path).unwrap();
                all.push((path, contents));
            }
        }
    }
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pause_waits_between_steps_until_somebody_says_resume() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let at = Folder::at(folder.path());
    let request = Pause { at: "2026-03-01T12:00:00Z".parse().unwrap(), why: "lunch".to_owned() };
    pause(&at, &request).unwrap();
    let mut cx = Cx::open(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let steps = steps::preparation();
    let watching = async {
        let began = Instant::now();
        // Long enough that it would be through.
        while status(&at, &steps::preparation()).unwrap().progress.is_none_or(|progress| progress.waits.is_none()) {
            assert!(began.elapsed() < Duration::from_mins(1));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let seen = status(&at, &steps::preparation()).unwrap();
        assert_eq!((seen.state, seen.next.as_deref()), (State::Waiting, Some("pyairtable-platform cutover resume")));
        assert!(seen.progress.unwrap().waits.unwrap().contains("lunch"));
        assert!(!folder.path().join("discovery.json").exists());
        assert!(unpause(&at).unwrap());
        assert!(!unpause(&at).unwrap());
    };
    let (done, ()) = tokio::join!(run::run(&mut cx, &steps), watching);
    done.unwrap();
    cx.close(Exit::Done).await;
    assert_eq!(status(&at, &steps::preparation()).unwrap().state, State::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_a_run_in_order_and_it_goes_on_later() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    let mut stopping = setup(folder.path(), db.url(), Wishes::default(), None);
    let stop = Arc::new(AtomicBool::new(false));
    stopping.stop = Arc::clone(&stop);
    // As soon as the backup has begun, while pg_dump runs.
    stopping.witness = Some(Arc::new(move |_, record| {
        if matches!(&record.entry, Entry::Started { step } if step == "backup") {
            stop.store(true, Ordering::Relaxed);
        }
    }));
    let error = run_all(stopping).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Paused, "{error}");
    assert!(error.to_string().contains("cutover resume"), "{error}");
    run_all(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
}

#[tokio::test]
async fn roll_back_undoes_and_keeps_the_backup() {
    let db = old_world(Layout::Public, 20).await;
    let folder = tempfile::tempdir().unwrap();
    run_all(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let mut cx = Cx::open(setup(folder.path(), db.url(), Wishes::default(), None)).await.unwrap();
    let undone = run::roll_back(&mut cx, &steps::preparation()).await.unwrap();
    assert_eq!(undone, ["verify", "expand", "trial-restore", "backup", "capture", "discover"]);
    assert!(run::roll_back(&mut cx, &steps::preparation()).await.unwrap().is_empty(), "nothing is undone twice");
    cx.close(Exit::RolledBack).await;
    assert!(folder.path().join("backup/manifest.json").exists());
}
