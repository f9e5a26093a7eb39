//! A tool that is killed on the way back, at every record it writes and at any other moment, while others write.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pyairtable_cutover::journal::{self, Moment, Record, Witness};
use pyairtable_cutover::replay::{self, Choice};
use pyairtable_cutover::run::{Cx, Folder, Wishes};
use pyairtable_cutover::{Exit, run, steps};
use rustix::process::{Signal, getpid, kill_process};
use testkit::legacy::layouts::Layout;

use super::world::{World, Writers};
use crate::support::{Dice, long, seed, setup};

const ORDERS: &str = "FULL_ROLLBACK_TEST_CHILD";

/// Not a test: what the test here starts as a process of its own, to kill it.
#[tokio::test]
#[ignore = "started by other tests"]
#[expect(clippy::disallowed_methods, clippy::exit, reason = "the orders of a child, and its answer")]
async fn child() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [folder, url, seq] = orders.lines().collect::<Vec<_>>()[..] else { panic!("{orders}") };
    let seq = seq.parse::<u64>().unwrap();
    let witness: Witness = Arc::new(move |now: Moment, record: &Record| {
        if record.seq == seq && now == Moment::Synced {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    });
    let setup = setup(Path::new(folder), &url.parse().unwrap(), Wishes::default(), Some(witness));
    let done = async {
        replay::mend(&setup.folder, &setup.url).await?;
        let mut cx = Cx::open(setup).await?;
        run::run(&mut cx, &replay::steps(&Choice::default())).await
    };
    let exit = match done.await {
        Ok(_) => Exit::RolledBack,
        Err(error) => {
            eprintln!("{error}");
            error.exit()
        }
    };
    std::process::exit(exit.code().into());
}

fn start(folder: &Path, world: &World, seq: u64) -> Child {
    let tokio_postgres::config::Host::Unix(socket) = &world.db.config().get_hosts()[0] else { panic!("a socket") };
    let socket = socket.display().to_string().replace('/', "%2F");
    let url = format!("postgres://postgres@{socket}/{}", world.db.config().get_dbname().unwrap());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "full_rollback::killed::child"])
        .env(ORDERS, format!("{}\n{url}\n{seq}", folder.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Goes on where the killed one was, looks whether anything is lost, and puts all back for the next.
async fn goes_on(folder: &Path, world: &World, writers: Writers, what: &str) {
    let began = Instant::now();
    // What the killed tool had started may take a moment to notice.
    let mut cx = loop {
        replay::mend(&Folder::at(folder), world.db.url()).await.unwrap();
        match Cx::open(setup(folder, world.db.url(), Wishes::default(), None)).await {
            Ok(cx) => break cx,
            Err(error) => assert!(began.elapsed() < Duration::from_mins(1), "{what}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let done = run::run(&mut cx, &replay::steps(&Choice::default())).await;
    assert!(done.is_ok(), "{what}: {}", done.unwrap_err());
    writers.reach(writers.count() + 3).await;
    let written = writers.stop().await;
    assert_eq!(world.lost(&world.client().await, &written).await, Vec::<String>::new(), "{what}");
    replay::roll_forward(&mut cx).await.unwrap();
    let undone = format!("DROP DATABASE {} WITH (FORCE)", cx.plan.undone());
    world.client().await.batch_execute(&undone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_killed_anywhere_goes_on_and_loses_nothing() {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    let mut cx = world.open(&base).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    drop(cx);
    let copy = |name: String| {
        let path = folder.path().join(name);
        assert!(Command::new("cp").arg("-r").args([&base, &path]).status().unwrap().success());
        path
    };
    // Once to its end, to know its records and how long it takes.
    let whole = copy("whole".to_owned());
    let began = Instant::now();
    let status = start(&whole, &world, u64::MAX).wait().unwrap();
    assert_eq!(status.code(), Some(Exit::RolledBack.code().into()));
    let takes = usize::try_from(began.elapsed().as_micros()).unwrap();
    let first = journal::read(&base.join("journal.jsonl")).unwrap().records.len() as u64;
    let records = journal::read(&whole.join("journal.jsonl")).unwrap().records;
    goes_on(&whole, &world, Writers::start(&world, 1), "whole").await;

    let (mut points, mut unfinished) = (0, 0);
    let step = if long() { 1 } else { 5 };
    for record in records.iter().filter(|record| record.seq >= first).rev().step_by(step) {
        let run = copy(format!("at-{}", record.seq));
        let writers = Writers::start(&world, 2);
        let status = start(&run, &world, record.seq).wait().unwrap();
        assert_eq!(status.code(), None, "killed at {record:?}");
        goes_on(&run, &world, writers, &format!("{record:?}")).await;
        points += 1;
    }
    let dice = Dice::new(seed());
    for round in 0..if long() { 100 } else { 3 } {
        let run = copy(format!("random-{round}"));
        let writers = Writers::start(&world, 2);
        let mut child = start(&run, &world, u64::MAX);
        tokio::time::sleep(Duration::from_micros(dice.below(takes) as u64)).await;
        child.kill().unwrap();
        unfinished += u32::from(child.wait().unwrap().code().is_none());
        goes_on(&run, &world, writers, &format!("round {round}")).await;
    }
    eprintln!("killed at {points} of {} records, and at {unfinished} random instants", records.len() as u64 - first);
    assert!(points >= 4 && unfinished >= 1, "{points}, {unfinished}");
}
