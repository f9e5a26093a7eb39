//! How the log is installed and written: nobody waits, nobody needs a right, and nobody's write fails because of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pyairtable_cutover::replay::{self, Choice};
use pyairtable_cutover::{Exit, capture, run, steps};
use testkit::legacy::layouts::{Layout, OldRole};

use super::world::World;
use crate::support::text;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capture_holds_nobody_up_behind_a_long_transaction() {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let blocker = world.client().await;
    blocker.batch_execute("BEGIN; UPDATE users SET updated_at = now()").await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let worst = tokio::spawn({
        let (client, over) = (world.client().await, Arc::clone(&over));
        async move {
            let mut worst = Duration::ZERO;
            while !over.load(Ordering::Relaxed) {
                let began = Instant::now();
                let sql = "INSERT INTO user_profiles (user_id) SELECT gen_random_uuid() WHERE false;
                    SELECT count(*) FROM users; DELETE FROM users WHERE false";
                client.batch_execute(sql).await.unwrap();
                worst = worst.max(began.elapsed());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            worst
        }
    });
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        blocker.batch_execute("COMMIT").await.unwrap();
    });
    let began = Instant::now();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::until(steps::preparation(), Some("capture"))).await.unwrap();
    over.store(true, Ordering::Relaxed);
    let worst = worst.await.unwrap();
    eprintln!("installed after {:?}, the slowest write took {worst:?}", began.elapsed());
    assert!(began.elapsed() > Duration::from_millis(1_500), "it waited for the long transaction");
    assert!(worst < Duration::from_millis(400), "{worst:?}");
    // Again it executes nothing.
    let mut again = run::run(&mut cx, &steps::until(steps::preparation(), Some("capture"))).await.unwrap();
    assert!(again.pop().unwrap().already);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capture_asks_no_right_of_old_services_and_never_fails_their_writes() {
    let world = World::of(Layout::Public).await;
    OldRole::Service.take(Layout::Public.places(world.db.config())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    let service = world.client().await;
    service.batch_execute("SET ROLE old_service; SET application_name = 'user-service'").await.unwrap();
    service.batch_execute("INSERT INTO examples (name) VALUES ('captured')").await.unwrap();
    assert!(
        service.batch_execute("SELECT * FROM pyairtable_cutover.changes").await.is_err(),
        "rows are not for others"
    );
    assert!(service.batch_execute("DELETE FROM pyairtable_cutover.changes").await.is_err());
    let client = world.client().await;
    let newest = capture::newest(&client, None, None, 1).await.unwrap().remove(0);
    assert_eq!(
        (newest.table.as_str(), newest.operation.as_str(), newest.application.as_str()),
        ("public.examples", "insert", "user-service")
    );
    // What leaves the old columns alone is no change of the old tables.
    let logged = async || text(&client, "SELECT count(*)::text FROM pyairtable_cutover.changes").await;
    let before = logged().await;
    client.batch_execute("UPDATE examples SET name = name").await.unwrap();
    assert_eq!(logged().await, before);
    // A replica's session is captured too.
    client.batch_execute("SET session_replication_role = replica; INSERT INTO acks VALUES ('replica')").await.unwrap();
    assert_ne!(logged().await, before);

    // Somebody takes a column away that the trigger knows.
    let mark = text(&client, "SELECT (max(id) + 1)::text FROM pyairtable_cutover.changes").await;
    client.batch_execute("ALTER TABLE examples RENAME name TO title").await.unwrap();
    service.batch_execute("INSERT INTO examples (title) VALUES ('the write comes first')").await.unwrap();
    let unknown = capture::newest(&client, None, None, 1).await.unwrap().remove(0);
    assert_eq!((unknown.operation.as_str(), unknown.id.to_string()), ("unknown", mark.clone()));
    let error = run::run(&mut cx, &replay::preparation(&Choice::default())).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "nobody has decided about the new column: {error}");
    assert!(error.to_string().contains("--without public.examples.title"), "{error}");
    let without = Choice { without: vec!["public.examples.title".to_owned()], ..Choice::default() };
    let error = run::run(&mut cx, &replay::preparation(&without)).await.unwrap_err();
    assert_eq!(error.exit(), Exit::Differs, "{error}");
    assert!(error.to_string().contains(&format!("--until {mark}")), "{error}");
    let choice = Choice { until: Some(mark.parse().unwrap()), ..without };
    run::run(&mut cx, &replay::preparation(&choice)).await.unwrap();
}
