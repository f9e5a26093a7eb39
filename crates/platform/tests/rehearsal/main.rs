//! A whole deployment under load: old services, gateway and this program as processes, and the tables afterwards.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on must fail; the helpers here are such code too"
)]

mod editions;
mod parity;
mod stand_in;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use rehearsal::ledger::Ledger;
use rehearsal::load::{Load, People, Rate};
use rehearsal::reconcile::reconcile;
use rehearsal::world::{Front, JWT_SECRET, Plan, World};

/// How a command ended, and all it wrote.
fn run(world: &World, words: &[&str]) -> (Option<i32>, String) {
    let output = world.command(world.program(), words).env("DATABASE_URL", world.database()).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code(), said)
}

/// The same for one that must succeed.
fn done(world: &World, words: &[&str]) -> String {
    let (code, said) = run(world, words);
    assert_eq!(code, Some(0), "{words:?}: {said}");
    said
}

/// Old services on generated rows, and the gateway in front of them.
async fn world(folder: &Path, people: u32) -> World {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_pyairtable-platform"));
    let plan = Plan {
        program,
        folder: folder.to_owned(),
        people,
        path: std::env::var_os("PATH"),
        between: None,
        patient: true,
        front: Front::default(),
    };
    World::start(plan).await.unwrap()
}

async fn load(world: &World, ledger: &Arc<Ledger>) -> Load {
    let database = world.connect().await.unwrap();
    let people = People::from_tables(&database, JWT_SECRET, 200, SystemClock.now()).await.unwrap();
    assert!(people.places.len() > 50, "{}", people.places.len());
    let rate = Rate { per_second: 50, writes: 30, workers: 12, seed: 9 };
    Load::start(world.gateway, people, rate, Arc::clone(ledger))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_moves_there_and_back_under_load_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), 600).await;
    let database = world.connect().await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let load = load(&world, &ledger).await;
    // Everything is prepared, and nobody is moved to where nobody serves.
    let (code, said) = tokio::task::block_in_place(|| {
        run(&world, &["cutover", "run", "--gateway", "gateway.sock", "--shadow", "none"])
    });
    assert!(code == Some(3) && said.contains("no new service answers"), "{code:?}: {said}");
    for step in ["discover", "backup", "trial-restore", "expand"] {
        assert!(said.contains(&format!("{step}: done")), "{step}: {said}");
    }
    world.start_platform(&[]).await.unwrap();
    let order = ["--socket", "gateway.sock", "--who", "ada", "--why", "a test"];
    for share in ["1%", "10%", "50%", "100%", "50%", "100%"] {
        let said = done(&world, &[&["gateway", "set", share], &order[..]].concat());
        assert!(said.contains(share), "{said}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    done(&world, &[&["gateway", "return"], &order[..]].concat());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let report = load.stop().await;
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
    let found = reconcile(&ledger, &database).await.unwrap();
    assert!(found.lost.is_empty() && found.doubled.is_empty(), "{found}");
    assert!(found.acknowledged > 100, "{found}");
    // Ids of the new side are of version 7, those of the old one of version 4.
    for version in ["4", "7"] {
        let made = "SELECT count(*) FROM projects WHERE name LIKE 'rehearsed%' AND substr(id::text, 15, 1) = $1";
        let made: i64 = database.query_one(made, &[&version]).await.unwrap().get(0);
        assert!(made > 10, "each side made some: {made} of version {version}");
    }
}
