//! A whole deployment under load: old services, gateway and this program as processes, and the tables afterwards.

mod stand_in;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock as _, SystemClock};
use rehearsal::ledger::Ledger;
use rehearsal::load::{Load, People, Rate};
use rehearsal::reconcile::reconcile;
use rehearsal::world::{JWT_SECRET, Plan, World};

/// The words of one command; it must succeed.
fn run(world: &World, words: &[&str]) -> String {
    let output = world.command(words).output().expect("it runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traffic_moves_there_and_back_under_load_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        program: PathBuf::from(env!("CARGO_BIN_EXE_pyairtable-platform")),
        folder: folder.path().to_owned(),
        people: 600,
        path: std::env::var_os("PATH"),
    };
    let mut world = tokio::task::block_in_place(|| World::start(plan)).unwrap();
    let database = world.connect().await.unwrap();
    let people = People::from_tables(&database, JWT_SECRET, 200, SystemClock.now()).await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let rate = Rate { per_second: 50, writes: 30, workers: 12, seed: 9 };
    let load = Load::start(world.gateway, people, rate, Arc::clone(&ledger));

    let url = world.database();
    let migrated = world.command(&["migrate", "up"]).env("DATABASE_URL", &url).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    world.start_platform(&[]).await.unwrap();
    let order = ["--socket", "gateway.sock", "--who", "ada", "--why", "a test"];
    for share in ["1%", "10%", "50%", "100%", "50%", "100%"] {
        let said = run(&world, &[&["gateway", "set", share], &order[..]].concat());
        assert!(said.contains(share), "{said}");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    run(&world, &[&["gateway", "return"], &order[..]].concat());
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
