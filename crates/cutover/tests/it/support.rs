//! What the tests share: databases as old services left them, and runs on them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kernel::{Rng, SystemClock};
use pyairtable_cutover::journal::Witness;
use pyairtable_cutover::preflight::Surroundings;
use pyairtable_cutover::run::{Cx, Folder, Progress, Setup, Tools, Watch, Wishes};
use pyairtable_cutover::{Error, Exit, run, steps};
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;
use testkit::{SeededRng, TestDb};
use tokio_postgres::Client;

/// Whether tests that come in two sizes take the larger one: `scripts/test --long`.
#[expect(clippy::disallowed_methods, reason = "a knob of the tests, not of the program")]
pub(crate) fn long() -> bool {
    std::env::var("TEST_LONG").is_ok_and(|value| !value.is_empty())
}

/// `TEST_SEED=n` replays or varies a test.
#[expect(clippy::disallowed_methods, reason = "a knob of the tests, not of the program")]
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    eprintln!("replay with TEST_SEED={seed}");
    seed
}

/// Numbers from seeded randomness.
pub(crate) struct Dice(SeededRng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededRng::new(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        usize::try_from(u64::from_le_bytes(bytes) % end as u64).unwrap()
    }

    pub(crate) fn one<'a, T>(&self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Somebody who does not look.
pub(crate) struct Nobody;

impl Watch for Nobody {
    fn begins(&self, _: &str, _: &str) {}
    fn progress(&self, _: &Progress) {}
    fn waits(&self, _: &str) {}
    fn ends(&self, _: &str, _: bool) {}
}

/// A database of a layout with `people` people and everything around them.
pub(crate) async fn old_world(layout: Layout, people: u32) -> TestDb {
    let db = TestDb::empty().await;
    let places = layout.create(db.config()).await.unwrap();
    let now = "2026-03-01T12:00:00Z".parse().unwrap();
    fill(layout, &places, Plan { people, seed: seed(), now }).await.unwrap();
    db
}

#[expect(clippy::disallowed_methods, reason = "where PostgreSQL is, as for the test server itself")]
pub(crate) fn tools() -> Tools {
    Tools {
        bindir: std::env::var("PG_BINDIR").ok().map(Into::into),
        search_path: std::env::var("PATH").ok().map(Into::into),
    }
}

/// Checks that say stop of a server for tests, of other tests' databases on it, and of a clock that stands.
const ACCEPTED: [&str; 6] = ["clocks", "fsync", "full-page-writes", "one-database", "redis", "synchronous-commit"];

/// What a run in `folder` is opened with.
pub(crate) fn setup(folder: &Path, url: &db::DatabaseUrl, wishes: Wishes, witness: Option<Witness>) -> Setup {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let accept = if wishes.old.is_none() { ACCEPTED.map(str::to_owned).into() } else { wishes.accept.clone() };
    let wishes = Wishes { accept, ..wishes };
    let run = u64::from(std::process::id()) << 32 | NUMBER.fetch_add(1, Ordering::Relaxed);
    Setup {
        folder: Folder::at(folder),
        url: url.clone(),
        wishes,
        take_over: false,
        surroundings: Surroundings::default(),
        tools: tools(),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SeededRng::new(run)),
        watch: Box::new(Nobody),
        stop: Arc::new(AtomicBool::new(false)),
        witness,
    }
}

/// Runs all steps as the command does.
pub(crate) async fn run_all(setup: Setup) -> Result<Vec<run::Done>, Error> {
    let mut cx = Cx::open(setup).await?;
    let done = run::run(&mut cx, &steps::preparation()).await;
    cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
    done
}

pub(crate) async fn text(client: &Client, sql: &str) -> String {
    client.query_one(sql, &[]).await.unwrap().get::<_, Option<String>>(0).unwrap_or_default()
}
