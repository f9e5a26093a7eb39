//! Full rollback: nothing that was acknowledged is lost, under writers of every kind, and what makes that true.

mod killed;
mod log;
mod negative;
mod types;
mod until;
mod verify;
mod world;

use pyairtable_cutover::replay::{self, Choice};
use pyairtable_cutover::{capture, run, steps};
use testkit::legacy::layouts::Layout;

use self::world::{World, Writers, differing_tables};
use crate::support::text;

/// Capture, backup and expansion under load, and the way back under the same load.
async fn loses_nothing(layout: Layout) {
    let world = World::of(layout).await;
    let folder = tempfile::tempdir().unwrap();
    let writers = Writers::start(&world, 5);
    writers.reach(50).await;

    // A transaction that is open while the backup is made, and commits only then.
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::until(steps::preparation(), Some("capture"))).await.unwrap();
    let long = world.client().await;
    long.batch_execute(
        "BEGIN; INSERT INTO acks VALUES ('long'); SAVEPOINT a; UPDATE counters SET n = n + 1 WHERE id = 99",
    )
    .await
    .unwrap();
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    long.batch_execute("RELEASE a; INSERT INTO acks VALUES ('longer'); COMMIT").await.unwrap();
    writers.acknowledged.lock().unwrap().extend(["long".to_owned(), "longer".to_owned()]);
    writers.truncate.store(true, std::sync::atomic::Ordering::Relaxed);
    writers.reach(writers.count() + 300).await;

    let acknowledged_by_then = writers.count();
    let done = run::run(&mut cx, &replay::steps(&Choice::default())).await.unwrap();
    let outcome = &done.last().unwrap().outcome;
    eprintln!("{layout:?}: {outcome:#}");
    assert!(outcome["changes"].as_u64().unwrap() > 300, "{outcome}");
    assert!(outcome["rows_compared"].as_u64().unwrap() > 100, "{outcome}");
    // The old services go on where they were.
    writers.reach(acknowledged_by_then + 50).await;
    let written = writers.stop().await;

    let lost = world.lost(&world.client().await, &written).await;
    assert_eq!(lost, Vec::<String>::new(), "of {}", written.len());
    let never = "SELECT count(*)::text FROM acks WHERE token LIKE 'never%'";
    assert_eq!(text(&world.client().await, never).await, "0", "what was rolled back stayed so");
    // What the program added is gone with the schema it belonged to.
    assert_eq!(text(&world.client().await, "SELECT to_regclass('platform_migrations')::text").await, "");
    assert_eq!(text(&world.client().await, "SELECT to_regnamespace('pyairtable_cutover')::text").await, "");
    let kept = cx.plan.kept();
    assert!(!text(&world.named(&kept).await, "SELECT to_regclass('platform_migrations')::text").await.is_empty());

    // The same command again finds it done.
    let again = run::run(&mut cx, &replay::steps(&Choice::default())).await.unwrap();
    assert!(again.iter().all(|step| step.already), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_loses_nothing_where_tables_have_triggers() {
    loses_nothing(Layout::Public).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_loses_nothing_of_a_view_and_several_schemas() {
    loses_nothing(Layout::View).await;
    loses_nothing(Layout::Schemas).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_keeps_what_belongs_to_the_database_and_can_be_taken_back() {
    let world = World::of(Layout::Tokyo).await;
    let name = world.db.config().get_dbname().unwrap().to_owned();
    let client = world.client().await;
    let sql = format!(
        "DO $$ BEGIN CREATE ROLE old_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO old_reader;
         ALTER DATABASE {name} CONNECTION LIMIT 77"
    );
    client.batch_execute(&sql).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    // A setting that is younger than the backup.
    client.batch_execute(&format!("ALTER DATABASE {name} SET work_mem = '7MB'")).await.unwrap();
    let facts = "SELECT format('%s %s %s %s', datconnlimit, (SELECT array_agg(a ORDER BY a::text) FROM unnest(datacl) a), pg_get_userbyid(datdba), (SELECT array_agg(s ORDER BY s)
        FROM pg_db_role_setting, unnest(setconfig) s WHERE setdatabase = d.oid)) FROM pg_database d
        WHERE datname = current_database()";
    let before = text(&client, facts).await;
    let rows = "SELECT count(*)::text FROM users";
    let there = text(&client, rows).await;
    client.batch_execute("DELETE FROM refresh_tokens").await.unwrap();
    drop(client);
    run::run(&mut cx, &replay::steps(&Choice::default())).await.unwrap();
    let now = world.client().await;
    assert_eq!(text(&now, facts).await, before);
    assert_eq!(text(&now, rows).await, there);
    assert_eq!(text(&now, "SELECT count(*)::text FROM refresh_tokens").await, "0");
    now.batch_execute("INSERT INTO acks VALUES ('afterwards')").await.unwrap();
    drop(now);

    replay::roll_forward(&mut cx).await.unwrap();
    let again = world.client().await;
    assert!(!text(&again, "SELECT to_regclass('platform_migrations')::text").await.is_empty());
    assert_eq!(text(&again, "SELECT count(*)::text FROM acks").await, "0", "that is in the other database");
    assert!(capture::exists(&again).await.unwrap(), "and changes are written down again");
    let undone = world.named(&cx.plan.undone()).await;
    assert_eq!(text(&undone, "SELECT count(*)::text FROM acks").await, "1");
    assert_eq!(differing_tables(&again, &undone, &cx.folder).await, ["public.acks"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_rollback_refuses_what_it_cannot_promise() {
    let world = World::of(Layout::Public).await;
    let folder = tempfile::tempdir().unwrap();
    let mut cx = world.open(folder.path()).await;
    run::run(&mut cx, &steps::preparation()).await.unwrap();
    let client = world.client().await;
    let refusal = async |cx: &mut _| {
        let error = run::run(cx, &replay::preparation(&Choice::default())).await.unwrap_err();
        assert_eq!(error.exit(), pyairtable_cutover::Exit::Refused, "{error}");
        error.to_string()
    };
    // A table that is younger than the backup.
    client.batch_execute("CREATE TABLE younger (id integer)").await.unwrap();
    let why = refusal(&mut cx).await;
    assert!(why.contains("public.younger") && why.contains("--without public.younger"), "{why}");
    let without = Choice { without: vec!["public.younger".to_owned()], ..Choice::default() };
    run::run(&mut cx, &replay::preparation(&without)).await.unwrap();
    client.batch_execute("DROP TABLE younger; ALTER TABLE projects ADD COLUMN nickname text").await.unwrap();
    let error = run::run(&mut cx, &replay::steps(&Choice::default())).await.unwrap_err().to_string();
    assert!(error.contains("--without public.projects.nickname"), "{error}");
    let sql = format!("ALTER TABLE projects DROP COLUMN nickname; DROP DATABASE {}", cx.plan.restored());
    for statement in sql.split("; ") {
        client.batch_execute(statement).await.unwrap();
    }
    // A trigger that somebody switched off.
    client.batch_execute("ALTER TABLE projects DISABLE TRIGGER \"!pyairtable_capture\"").await.unwrap();
    let why = refusal(&mut cx).await;
    assert!(why.contains("public.projects"), "{why}");
    // A log that is gone; and going on with the run does not quietly begin another.
    capture::remove(&client, &world.client().await).await.unwrap();
    let triggers = "SELECT count(*)::text FROM pg_trigger WHERE tgname LIKE '!pyairtable%'";
    assert_eq!(text(&client, triggers).await, "0");
    let why = refusal(&mut cx).await;
    assert!(why.contains("nobody wrote down"), "{why}");
    let error = run::run(&mut cx, &steps::preparation()).await.unwrap_err().to_string();
    assert!(error.contains("makes a new one"), "{error}");
}
