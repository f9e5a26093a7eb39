//! Killed at every record of its journal, and its undo as well: the next start ends where an undisturbed one does.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kernel::FixedClock;
use pyairtable_cutover::journal::{Moment, Record, Witness};
use pyairtable_cutover::run::{self, Cx, Setup, Wishes};
use pyairtable_cutover::{Error, Exit, steps};
use rustix::process::{Signal, getpid, kill_process};
use testkit::TestDb;

use super::whole::{Files, lines, soaked};
use crate::soak::world::World;
use crate::support::{long, setup};

/// What a child is told: folder, database, time, `do` or `undo`, and after how many records it ends itself.
const ORDERS: &str = "CLEAN_UP_TEST_CHILD";

async fn work(setup: Setup, what: &str) -> Result<(), Error> {
    let mut cx = Cx::open(setup).await?;
    let steps = steps::clean_up(&cx.plan, &[]);
    let done = match what {
        "do" => run::run(&mut cx, &steps).await.map(drop),
        _ => run::roll_back(&mut cx, &steps).await.map(drop),
    };
    cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
    done
}

/// Not a test: what the tests here start as a process of its own, to kill it.
#[tokio::test]
#[ignore = "started by another test"]
#[expect(clippy::disallowed_methods, clippy::exit, reason = "the orders of a child, and its answer")]
async fn child() {
    let Ok(orders) = std::env::var(ORDERS) else { return };
    let [folder, url, now, what, after] = orders.lines().collect::<Vec<_>>()[..] else { panic!("{orders}") };
    let (after, seen) = (after.parse::<u64>().unwrap(), AtomicU64::new(0));
    let witness: Witness = Arc::new(move |moment: Moment, _: &Record| {
        if moment == Moment::Synced && seen.fetch_add(1, Ordering::Relaxed) == after {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    });
    let clock = Arc::new(FixedClock::at(now.parse().unwrap()));
    let opening = Setup { clock, ..setup(Path::new(folder), &url.parse().unwrap(), Wishes::default(), Some(witness)) };
    let done = work(opening, what).await;
    if let Err(error) = &done {
        eprintln!("{error}");
    }
    std::process::exit(done.err().map_or(Exit::Done, |error| error.exit()).code().into());
}

fn url(db: &TestDb) -> String {
    let tokio_postgres::config::Host::Unix(folder) = &db.config().get_hosts()[0] else { panic!("a socket") };
    let socket = folder.display().to_string().replace('/', "%2F");
    format!("postgres://postgres@{socket}/{}", db.config().get_dbname().unwrap())
}

/// Whether it was killed before its end.
fn killed(world: &World, what: &str, after: u64) -> bool {
    let orders = format!("{}\n{}\n{}\n{what}\n{after}", world.folder().path().display(), url(&world.db), world.now());
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "cleanup::killed::child"])
        .env(ORDERS, orders)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.code().is_none_or(|code| code == 0), "{what} after {after}: {status}");
    !status.success()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clean_up_killed_at_every_record_goes_on_there_and_back() {
    let files = Files::new();
    let world = soaked(&files).await;
    let (files_before, schema_before) = (files.snapshot(), lines(&world).await);
    work(world.opening(None), "do").await.unwrap();
    let (files_after, schema_after) = (files.snapshot(), lines(&world).await);
    work(world.opening(None), "undo").await.unwrap();
    assert_eq!((files.snapshot(), lines(&world).await), (files_before.clone(), schema_before.clone()));

    let step = if long() { 1 } else { 8 };
    let (mut after, mut kills) = (1, 0);
    loop {
        let forth = killed(&world, "do", after);
        work(world.opening(None), "do").await.unwrap();
        assert_eq!(files.snapshot(), files_after, "after {after}");
        assert_eq!(lines(&world).await, schema_after, "after {after}");
        let back = killed(&world, "undo", after);
        work(world.opening(None), "undo").await.unwrap();
        assert_eq!(files.snapshot(), files_before, "back after {after}");
        assert_eq!(lines(&world).await, schema_before, "back after {after}");
        kills += u32::from(forth) + u32::from(back);
        if !forth && !back {
            break;
        }
        after += step;
    }
    eprintln!("{kills} were killed");
    assert!(kills > 5, "{kills}");

    // Half way there, and straight back.
    for after in [12, 20] {
        killed(&world, "do", after);
        work(world.opening(None), "undo").await.unwrap();
        assert_eq!(files.snapshot(), files_before, "back from {after}");
        assert_eq!(lines(&world).await, schema_before, "back from {after}");
    }
}
