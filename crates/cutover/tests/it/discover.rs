//! What is found in databases as old services left them.

use pyairtable_cutover::discover::discover;
use testkit::legacy::layouts::Layout;

use crate::support::old_world;

#[tokio::test]
async fn discover_tells_every_layout_apart() {
    let mut seen = std::collections::BTreeSet::new();
    for layout in Layout::ALL {
        let db = old_world(layout, 60).await;
        let client = db.superuser().await;
        let found = discover(&client).await.unwrap();
        let words = found.words();
        eprintln!("{layout:?}\n{words}");
        // Two connections see the same schema, and the session's settings are none of it.
        let other = db.superuser().await;
        other.batch_execute("SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German'").await.unwrap();
        assert_eq!(discover(&other).await.unwrap().fingerprint, found.fingerprint);
        assert!(seen.insert(found.fingerprint.clone()) || layout == Layout::Tokyo, "{layout:?} looks like another");
        assert!(found.relations.iter().any(|one| one.name == "workspaces" || layout == Layout::Databases), "{words}");
        let says = match layout {
            Layout::Public => "in public: ",
            Layout::Orm => "are the old ORM's",
            Layout::Schemas => "in auth: ",
            Layout::Databases => "elsewhere    test_",
            Layout::View => "users is a view",
            Layout::Tokyo => "sessions in Asia/Tokyo",
            Layout::Widened => "columns of user-service",
            Layout::DraftTenants => "public.tenants",
        };
        assert!(words.contains(says), "{layout:?} does not say {says:?}:\n{words}");
    }
}

#[tokio::test]
async fn discover_notices_any_change_of_the_schema() {
    let db = old_world(Layout::Public, 20).await;
    let client = db.superuser().await;
    let mut last = discover(&client).await.unwrap().fingerprint;
    client.batch_execute("SET search_path = public").await.unwrap();
    for change in [
        "ALTER TABLE users ADD COLUMN x int",
        "ALTER TABLE users ALTER x SET DEFAULT 5",
        "ALTER TABLE users ALTER email TYPE varchar(254)",
        "CREATE INDEX ON users (x)",
        "ALTER TABLE users ADD CONSTRAINT k CHECK (x > 0) NOT VALID",
        "ALTER TABLE users VALIDATE CONSTRAINT k",
        "ALTER TABLE users DISABLE TRIGGER update_users_updated_at",
        "CREATE OR REPLACE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RETURN NEW; END $$",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON users USING (true)",
        "GRANT SELECT ON users TO PUBLIC",
        "CREATE VIEW v AS SELECT id FROM users",
        "CREATE TYPE mood AS ENUM ('good')",
        "ALTER TYPE mood ADD VALUE 'bad'",
        "CREATE SEQUENCE s",
    ] {
        client.batch_execute(change).await.unwrap();
        let now = discover(&client).await.unwrap().fingerprint;
        assert_ne!(now, last, "{change}");
        last = now;
        client.batch_execute("SET search_path = public").await.unwrap();
    }
    client.batch_execute("UPDATE users SET first_name = 'x'; ANALYZE; VACUUM users").await.unwrap_or_default();
    assert_eq!(discover(&client).await.unwrap().fingerprint, last, "rows are no part of it");
}

#[tokio::test]
async fn discover_names_who_may_migrate_at_its_next_start() {
    let db = old_world(Layout::Public, 20).await;
    let service = db.superuser().await;
    service.batch_execute("SET application_name = 'workspace-service'; BEGIN").await.unwrap();
    let found = discover(&db.superuser().await).await.unwrap();
    assert!(found.schema_writers.iter().any(|line| line.starts_with("workspace-service as ")), "{found:?}");
    let session = found.sessions.iter().find(|one| one.application == "workspace-service").unwrap();
    assert_eq!((session.count, session.busy), (1, 1));
}
