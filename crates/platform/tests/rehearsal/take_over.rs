//! The take-over by its own commands, under load, with this program killed in the middle of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kernel::{Clock as _, SystemClock};
use rehearsal::ledger::Ledger;
use rehearsal::reconcile::reconcile;

use super::{done, load, run, world};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn take_over_under_load_survives_the_new_side_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(folder.path(), 600).await;
    let database = world.connect().await.unwrap();
    let ledger = Arc::new(Ledger::default());
    let load = load(&world, &ledger).await;
    let block = |words: &[&str]| tokio::task::block_in_place(|| run(&world, words));

    // Nothing of it is refused, and without a gateway it ends before traffic moves.
    let said = tokio::task::block_in_place(|| done(&world, &["cutover", "run"]));
    for step in ["discover", "backup", "trial-restore", "expand"] {
        assert!(said.contains(&format!("{step}: done")) || said.contains(step), "{step}: {said}");
    }
    let shift = "10%:60s:unless-failing,50%:2s:unless-failing,100%:2s:unless-failing";
    let words = ["cutover", "run", "--gateway", "gateway.sock", "--steps", shift];
    let (code, said) = block(&words);
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("no new service answers"), "{said}");

    world.start_platform(&[]).await.unwrap();
    let mut tool = world.command(&words).env("DATABASE_URL", world.database()).spawn().unwrap();
    until_share(&world, "10%").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let killed = SystemClock.now();
    world.kill_platform();
    let code = tokio::task::spawn_blocking(move || tool.wait().unwrap().code()).await.unwrap();
    let returned = SystemClock.now();
    assert_eq!(code, Some(8), "traffic goes back by itself, and the tool says so");
    assert!((returned - killed).total(jiff::Unit::Second).unwrap() < 30.0, "from {killed} to {returned}");

    world.start_platform(&[]).await.unwrap();
    let order = ["--socket", "gateway.sock", "--who", "ada", "--why", "it serves again"];
    let (code, said) = tokio::task::block_in_place(|| run(&world, &[&["gateway", "thaw"], &order[..]].concat()));
    assert_eq!(code, Some(0), "{said}");
    // The same run with its plan would hold 10 % for a minute; the deployment is taken over by another one.
    let shift = "10%:2s:unless-failing,50%:2s:unless-failing,100%:2s:unless-failing";
    let again = ["cutover", "run", "--dir", "again", "--gateway", "gateway.sock", "--steps", shift];
    let said = tokio::task::block_in_place(|| done(&world, &again));
    assert!(said.contains("shift-100"), "{said}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let report = load.stop().await;

    // Whoever was harmed was so between the fault and the return.
    let margin = jiff::SignedDuration::from_secs(2);
    let injected = |at: Timestamp| at >= killed - margin && at <= returned + margin;
    let others: Vec<_> = report.failures.iter().filter(|failure| !injected(failure.at)).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(!report.failures.is_empty(), "a program that is killed fails somebody");
    let found = reconcile(&ledger, &database).await.unwrap();
    assert!(found.lost.is_empty() && found.doubled.is_empty(), "{found}");
    assert!(found.acknowledged > 100, "{found}");
    let status = tokio::task::block_in_place(|| done(&world, &["cutover", "status", "--dir", "again"]));
    assert!(status.contains("shift-100"), "{status}");
}

async fn until_share(world: &rehearsal::world::World, share: &str) {
    for _ in 0..400 {
        let status = tokio::task::block_in_place(|| done(world, &["gateway", "status", "--socket", "gateway.sock"]));
        if status.contains(&format!("\"share\":\"{share}\"")) || status.contains(&format!("\"share\": \"{share}\"")) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("never at {share}");
}
