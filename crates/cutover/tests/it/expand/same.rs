//! The online way leaves what the files alone would have left.

use db::migrate::{Extent, MIGRATIONS, Way, planned};
use pyairtable_cutover::expand;
use testkit::legacy::layouts::Layout;
use testkit::{TestDb, schema};

use super::{expanded, old};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expand_leaves_the_schema_that_the_files_alone_leave() {
    for layout in Layout::ALL.into_iter().filter(|layout| *layout != Layout::Databases) {
        // Without rows, the files build all indexes that they know of themselves.
        let (online, files) = (TestDb::empty().await, TestDb::empty().await);
        for db in [&online, &files] {
            layout.create(db.config()).await.unwrap();
        }
        db::migrate::up(online.url()).await.unwrap();
        let client = files.superuser().await;
        let history = "CREATE TABLE platform_migrations (version integer PRIMARY KEY, name text NOT NULL,
            checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL)";
        client.batch_execute(history).await.unwrap();
        for migration in MIGRATIONS {
            client.batch_execute(&format!("BEGIN; {}\n; COMMIT", migration.sql)).await.unwrap();
        }
        client.batch_execute("GRANT SELECT ON platform_migrations TO pyairtable_system").await.unwrap();
        // The database's name is in the settings it has.
        let lines = async |db: &TestDb| {
            let lines = schema::lines(&db.superuser().await).await;
            lines.into_iter().filter(|line| !line.starts_with("setting ")).collect::<Vec<_>>()
        };
        let (online, files) = (lines(&online).await, lines(&files).await);
        let only = |one: &[String], other: &[String]| {
            one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
        };
        assert_eq!(only(&online, &files), only(&files, &online), "{layout:?}");
        assert!(online.len() > 400, "{}", online.len());
    }
}

#[tokio::test]
async fn expand_finds_nothing_to_do_on_a_database_of_its_own() {
    // Which also holds the list of indexes against those that the files make, word for word.
    let db = TestDb::new().await;
    assert_eq!(planned(db.url(), Extent::Everything).await.unwrap(), []);
    db.superuser().await.batch_execute("DROP INDEX users_email_folded_idx").await.unwrap();
    let plan = planned(db.url(), Extent::Everything).await.unwrap();
    assert_eq!(plan.len(), 1, "{plan:?}");
    assert_eq!(plan[0].way, Way::Concurrently { index: "users_email_folded_idx" });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expand_executes_what_its_plan_says_and_then_nothing() {
    for layout in Layout::ALL.into_iter().filter(|layout| *layout != Layout::Databases) {
        let (db, _) = old(layout, 300).await;
        let before = schema::lines(&db.superuser().await).await;
        let plan = expand::plan(db.url()).await.unwrap();
        assert_eq!(schema::lines(&db.superuser().await).await, before, "{layout:?}: planning changed something");
        let executed = expanded(db.url()).await;
        assert_eq!(executed, plan, "{layout:?}");
        assert!(plan.iter().filter(|piece| piece.way == Way::Brief && piece.table.is_some()).count() > 1, "{plan:?}");
        assert_eq!(expand::plan(db.url()).await.unwrap(), [], "{layout:?}");
    }
}
