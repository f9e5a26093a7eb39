//! Run again, an expansion executes nothing; what somebody broke meanwhile it puts right.

use testkit::legacy::layouts::Layout;

use super::{INVALID, count, expanded, old};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expand_again_runs_no_ddl() {
    let (db, _) = old(Layout::Public, 300).await;
    let client = db.superuser().await;
    let counter = "CREATE TABLE ddl (tag text);
        CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO ddl VALUES (tg_tag); END';
        CREATE EVENT TRIGGER ddl ON ddl_command_end EXECUTE FUNCTION ddl();";
    client.batch_execute(counter).await.unwrap();
    assert!(expanded(db.url()).await.len() > 30);
    let ddl = "SELECT count(*) FROM ddl";
    let first = count(&client, ddl).await;
    assert!(first > 100, "{first}");
    for _ in 0..2 {
        assert_eq!(expanded(db.url()).await, []);
        assert_eq!(count(&client, ddl).await, first);
    }
    // Seen: what it does when something is missing.
    client.batch_execute("DROP INDEX users_email_folded_idx; DELETE FROM ddl").await.unwrap();
    assert_eq!(expanded(db.url()).await.len(), 1);
    assert_eq!(count(&client, "SELECT count(*) FROM ddl WHERE tag = 'CREATE INDEX'").await, 1);
}

/// A build that was killed leaves an index that takes time at each write and serves nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expand_builds_an_invalid_index_anew() {
    let (db, _) = old(Layout::Public, 300).await;
    expanded(db.url()).await;
    let client = db.superuser().await;
    client.batch_execute("DROP INDEX users_email_folded_idx").await.unwrap();
    let sql = "CREATE INDEX CONCURRENTLY IF NOT EXISTS users_email_folded_idx ON users (lower(email COLLATE \"C\"))";
    // Somebody's old snapshot makes the build wait, and in that wait it is killed.
    let old = db.superuser().await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").await.unwrap();
    let builder = db.superuser().await;
    let pid: i32 = builder.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let building = tokio::spawn(async move { builder.batch_execute(sql).await });
    while count(&client, INVALID).await == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    building.await.unwrap().unwrap_err();
    old.batch_execute("COMMIT").await.unwrap();
    // What the usual way makes of it: "already exists, skipping", done.
    client.batch_execute(sql).await.unwrap();
    assert_eq!(count(&client, INVALID).await, 1);
    assert_eq!(expanded(db.url()).await.len(), 1);
    assert_eq!(count(&client, INVALID).await, 0);
    assert_eq!(expanded(db.url()).await, []);
}
