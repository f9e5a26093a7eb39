//! It only looks, as somebody else sees it, and takes little time on a large database.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyairtable_cutover::preflight::look;

use super::{Deployment, alarms};
use crate::support::long;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflight_writes_nothing_and_locks_nothing_but_for_reading() {
    // `scripts/test --long` takes a million people.
    let deployment = Deployment::start(if long() { 1_000_000 } else { 20_000 }).await;
    let inputs = deployment.inputs("model");
    let watcher = deployment.connect("model").await;
    let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text";
    let before: String = watcher.query_one(next, &[]).await.unwrap().get(0);
    let stop = Arc::new(AtomicBool::new(false));
    let sampling = tokio::spawn({
        let (stop, watcher) = (Arc::clone(&stop), deployment.connect("model").await);
        async move {
            let sql = "SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                WHERE a.application_name = 'pyairtable-cutover preflight' AND l.locktype = 'relation'";
            let mut modes = std::collections::BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                modes.extend(watcher.query(sql, &[]).await.unwrap().iter().map(|row| row.get::<_, String>(0)));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            modes
        }
    });
    let began = Instant::now();
    let report = look(&inputs).await.unwrap();
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    assert_eq!(sampling.await.unwrap().into_iter().collect::<Vec<_>>(), ["AccessShareLock"]);
    let after: String = watcher.query_one(next, &[]).await.unwrap().get(0);
    println!("{} checks in {took:?}, alarms {:?}", report.checks.len(), alarms(&report));
    // The server of this test is nobody else's; autovacuum alone may take a number.
    assert!(after.parse::<u64>().unwrap() - before.parse::<u64>().unwrap() < 10, "{before} to {after}");
    // Whatever the size: five seconds for all counts, beside the rest.
    assert!(took < Duration::from_secs(15), "{took:?}");
}
