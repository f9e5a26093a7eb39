//! The step that compares the live rows with backup and change log, while others write.

use pyairtable_cutover::run::Folder;
use pyairtable_cutover::{Exit, run, steps};
use serde_json::Value;
use testkit::legacy::layouts::Layout;
use tokio_postgres::Client;

use super::world::{World, Writers};
use crate::support::text;

/// What the report gets to read.
fn kept(folder: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(Folder::at(folder).verification()).unwrap()).unwrap()
}

async fn scratch_databases(client: &Client, name: &str) -> String {
    text(client, &format!("SELECT count(*)::text FROM pg_database WHERE datname = '{name}'")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_the_backups_and_every_change_since_while_four_write() {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let writers = Writers::start(&world, 4);
    let mut cx = world.open(folder.path()).await;
    let done = run::run(&mut cx, &steps::preparation()).await.unwrap();
    writers.stop().await;
    let verified = done.last().unwrap();
    assert_eq!(verified.step, "verify");
    assert!(verified.outcome["changes"].as_u64().unwrap() > 100, "{:?}", verified.outcome);
    assert!(verified.outcome["rows"].as_u64().unwrap() > 100, "{:?}", verified.outcome);
    let found = kept(folder.path());
    assert_eq!((&found["equal"], &found["changes"]), (&true.into(), &verified.outcome["changes"]), "{found}");
    assert_eq!(scratch_databases(&world.client().await, &cx.plan.scratch()).await, "0");

    // It is done once; a rollback forgets it.
    let again = run::run(&mut cx, &steps::preparation()).await.unwrap();
    assert!(again.iter().all(|done| done.already), "{again:?}");
    run::roll_back(&mut cx, &steps::preparation()).await.unwrap();
    assert!(!Folder::at(folder.path()).verified().exists());
}

/// What the step says when somebody does `harm` between backup and comparison.
async fn harmed(harm: &str) -> String {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::until(steps::preparation(), Some("expand"))).await.unwrap();
    let client = world.client().await;
    client.batch_execute(harm).await.unwrap();
    let error = run::run(&mut cx, &steps::preparation()).await.expect_err(harm);
    assert_eq!(error.exit(), Exit::Differs, "{error}");
    assert!(!Folder::at(folder.path()).verified().exists());
    // The next attempt looks again, and finds the same.
    let again = run::run(&mut cx, &steps::preparation()).await.expect_err(harm);
    assert_eq!(again.to_string(), error.to_string());
    run::roll_back(&mut cx, &steps::preparation()).await.unwrap();
    assert_eq!(scratch_databases(&client, &cx.plan.scratch()).await, "0");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_log_knows_is_found_and_named() {
    let past = |sql: &str| {
        format!(
            "BEGIN; ALTER TABLE counters DISABLE TRIGGER USER; {sql}; ALTER TABLE counters ENABLE ALWAYS TRIGGER \"!pyairtable_capture\";
             ALTER TABLE counters ENABLE ALWAYS TRIGGER \"!pyairtable_capture_all\"; COMMIT"
        )
    };
    let why = harmed(&past("UPDATE counters SET n = 41 WHERE id = 7")).await;
    assert!(why.contains("public.counters: 7 changed in") && why.contains(" n"), "{why}");
    let why = harmed(&past("DELETE FROM counters WHERE id = 8; INSERT INTO counters VALUES (800, 0)")).await;
    assert!(why.contains("8 is missing") && why.contains("800 is new"), "the same count of rows: {why}");
    // In the log, but by who should have written nothing.
    let why =
        harmed("SET application_name = 'pyairtable-platform migrations'; UPDATE counters SET n = 41 WHERE id = 7")
            .await;
    assert!(why.contains("pyairtable-platform migrations changed rows of the old tables, 1 in all"), "{why}");
}
