//! The schema refuses what only old services did, and comes back to what it was.

use pyairtable_cutover::cleanup::{Contract, planned};
use pyairtable_cutover::digest::SESSION;
use pyairtable_cutover::discover::schema;
use pyairtable_cutover::run::{self, Cx, Done, Step, Wishes};
use pyairtable_cutover::{Exit, steps};
use testkit::TestDb;
use testkit::legacy::layouts::Layout;
use tokio_postgres::Client;

use crate::support::{old_world, setup, text};

fn contract() -> Vec<Box<dyn Step>> {
    vec![Box::new(Contract)]
}

struct Ground {
    db: TestDb,
    directory: tempfile::TempDir,
}

impl Ground {
    /// An expanded database.
    async fn new(layout: Layout) -> Self {
        let db = old_world(layout, 60).await;
        let ground = Self { db, directory: tempfile::tempdir().unwrap() };
        let mut cx = ground.open().await;
        run::run(&mut cx, &steps::until(steps::preparation(), Some("discover"))).await.unwrap();
        cx.close(Exit::Done).await;
        db::migrate::up(ground.db.url()).await.unwrap();
        ground
    }

    async fn open(&self) -> Cx {
        Cx::open(setup(&self.directory.path().join("run"), self.db.url(), Wishes::default(), None)).await.unwrap()
    }

    async fn contract(&self) -> Done {
        let mut cx = self.open().await;
        let done = run::run(&mut cx, &contract()).await;
        cx.close(Exit::Done).await;
        done.unwrap().remove(0)
    }

    async fn undo(&self) {
        let mut cx = self.open().await;
        run::roll_back(&mut cx, &contract()).await.unwrap();
        cx.close(Exit::RolledBack).await;
    }

    async fn schema(&self) -> Vec<String> {
        let client = self.db.superuser().await;
        client.batch_execute(SESSION).await.unwrap();
        schema(&client).await.unwrap()
    }
}

/// Renames, connects and fills what stands in the way, as an operator would.
const MEND: &str = "
    UPDATE workspaces SET name = left(name, 200) || ' ' || id WHERE deleted_at IS NULL;
    UPDATE projects SET name = left(name, 200) || ' ' || id WHERE deleted_at IS NULL;
    UPDATE airtable_bases SET base_id = left(base_id, 200) || id WHERE deleted_at IS NULL;
    UPDATE users SET email = left(md5(id::text), 12) || '@example.com';
    UPDATE users SET is_active = coalesce(is_active, true), email_verified = coalesce(email_verified, false),
        created_at = coalesce(created_at, now()), updated_at = coalesce(updated_at, now());
    UPDATE user_profiles SET is_active = coalesce(is_active, true), email_verified = coalesce(email_verified, false),
        phone_verified = coalesce(phone_verified, false), preferences = coalesce(preferences, '{}'),
        metadata = coalesce(metadata, '{}'), created_at = coalesce(created_at, now()),
        updated_at = coalesce(updated_at, now());
    UPDATE workspaces SET created_at = coalesce(created_at, now()), updated_at = coalesce(updated_at, now());
    UPDATE projects SET created_at = coalesce(created_at, now()), updated_at = coalesce(updated_at, now());
    UPDATE airtable_bases SET sync_enabled = coalesce(sync_enabled, true), created_at = coalesce(created_at, now()),
        updated_at = coalesce(updated_at, now());
    UPDATE workspace_audit_logs SET created_at = coalesce(created_at, now());
    ALTER TABLE workspace_members DISABLE TRIGGER ALL;
    UPDATE workspace_members SET joined_at = coalesce(joined_at, now());
    ALTER TABLE workspace_members ENABLE TRIGGER ALL;";

async fn code(client: &Client, sql: &str) -> String {
    match client.batch_execute(sql).await {
        Ok(()) => "done".to_owned(),
        Err(error) => error.as_db_error().unwrap().message().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_and_its_undo_leave_every_layout_as_it_was() {
    for layout in Layout::ALL.into_iter().filter(|layout| *layout != Layout::Databases) {
        let ground = Ground::new(layout).await;
        let before = ground.schema().await;
        let (changes, _) = planned(&ground.db.superuser().await).await.unwrap();
        let done = ground.contract().await;
        let after = ground.schema().await;
        assert_eq!(after != before, !changes.is_empty(), "{layout:?}");
        assert!(!changes.is_empty(), "{layout:?}: {done:?}");
        let (open, _) = planned(&ground.db.superuser().await).await.unwrap();
        assert_eq!(open, [], "{layout:?}");
        // Again: nothing is executed.
        assert!(ground.contract().await.already, "{layout:?}");
        assert_eq!(ground.schema().await, after, "{layout:?}");
        ground.undo().await;
        assert_eq!(ground.schema().await, before, "{layout:?}");
        assert!(!ground.contract().await.already, "{layout:?}");
        assert_eq!(ground.schema().await, after, "{layout:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_refuses_what_only_old_services_wrote() {
    let ground = Ground::new(Layout::Public).await;
    let client = ground.db.superuser().await;
    client.batch_execute(MEND).await.unwrap();
    let doubled = "BEGIN; INSERT INTO workspaces (tenant_id, name, created_by) SELECT tenant_id, name, created_by
        FROM workspaces WHERE deleted_at IS NULL LIMIT 1; ROLLBACK";
    let tenth = "BEGIN; INSERT INTO workspaces (tenant_id, name, created_by) SELECT 'one', 'w' || n, 'x'
        FROM generate_series(1, 11) n; ROLLBACK";
    let null = "BEGIN; UPDATE users SET created_at = NULL, is_active = NULL; ROLLBACK";
    let spelled = "BEGIN; INSERT INTO users (email, password_hash, first_name, last_name, tenant_id)
        SELECT upper(email), '!', 'a', 'b', tenant_id FROM users LIMIT 1; ROLLBACK";
    for sql in [doubled, null, spelled] {
        assert_eq!(code(&client, sql).await, "done", "before: {sql}");
    }
    assert!(code(&client, tenth).await.contains("quota exceeded"), "before");
    client.batch_execute("ROLLBACK").await.unwrap();
    let member = "UPDATE workspace_members SET role = 'viewer' WHERE role = 'member'";
    assert_eq!(text(&client, "SELECT count(*)::text FROM workspace_members WHERE role = 'viewer'").await, {
        client.batch_execute(member).await.unwrap();
        text(&client, "SELECT count(*)::text FROM workspace_members WHERE role = 'viewer'").await
    });

    let done = ground.contract().await;
    assert_eq!(done.outcome["left_out"], serde_json::json!([]), "{done:?}");
    for (sql, said) in [
        (doubled, "workspaces_live_name_key"),
        (null, "violates not-null constraint"),
        (spelled, "users_email_folded_key"),
    ] {
        let found = code(&client, sql).await;
        assert!(found.contains(said), "{sql}: {found}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    assert_eq!(code(&client, tenth).await, "done", "the plan decides, and not ten");
    let members = text(&client, "SELECT count(*)::text FROM workspace_members WHERE role = 'member'").await;
    assert_ne!(members, "0");
    client.batch_execute(member).await.unwrap();
    assert_eq!(text(&client, "SELECT count(*)::text FROM workspace_members WHERE role = 'member'").await, "0");
    // The last owner is guarded as before.
    let owner = "BEGIN; DELETE FROM workspace_members; ROLLBACK";
    assert!(code(&client, owner).await.contains("last owner"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_leaves_out_what_the_data_does_not_permit_and_does_the_rest() {
    let ground = Ground::new(Layout::Public).await;
    let client = ground.db.superuser().await;
    client.batch_execute(MEND).await.unwrap();
    client
        .batch_execute(
            "UPDATE users SET updated_at = NULL WHERE id = (SELECT min(id::text)::uuid FROM users);
            ALTER TABLE users DISABLE TRIGGER ALL;
            UPDATE users SET updated_at = NULL WHERE id = (SELECT min(id::text)::uuid FROM users);
            ALTER TABLE users ENABLE TRIGGER ALL;
            INSERT INTO workspaces (id, tenant_id, name, created_by) VALUES
                ('00000000-0000-4000-8000-000000000001', 't', 'same', 'x'),
                ('00000000-0000-4000-8000-000000000002', 't', 'same', 'x')",
        )
        .await
        .unwrap();
    let done = ground.contract().await;
    let left = done.outcome["left_out"].to_string();
    let somebody = text(&client, "SELECT min(id::text) FROM users").await;
    for part in
        ["workspaces_live_name_key", "00000000-0000-4000-8000-000000000002", "updated_at is never NULL", &somebody]
    {
        assert!(left.contains(part), "{part}: {left}");
    }
    let column = "SELECT string_agg(attname, ',' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'users'::regclass
        AND attname IN ('is_active', 'email_verified', 'created_at', 'updated_at') AND attnotnull";
    assert_eq!(text(&client, column).await, "created_at,email_verified,is_active");
    // Once mended, the same command does what is left.
    client
        .batch_execute("DELETE FROM workspaces WHERE id = '00000000-0000-4000-8000-000000000002'; UPDATE users SET updated_at = now()")
        .await
        .unwrap();
    let done = ground.contract().await;
    assert_eq!((done.already, &done.outcome["left_out"]), (false, &serde_json::json!([])));
    ground.undo().await;
    let nothing = "SELECT count(*)::text FROM pg_class WHERE relname LIKE '%live_name_key'";
    assert_eq!(text(&client, nothing).await, "0");
    assert_eq!(text(&client, column).await, "");
}

/// A duplicate that comes between the look and the build: nothing of that change is left, and the others are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_leaves_nothing_of_a_change_that_the_server_refused() {
    let ground = Ground::new(Layout::Public).await;
    let client = ground.db.superuser().await;
    client.batch_execute(MEND).await.unwrap();
    // The look does not see it: it is not committed until the build waits for it.
    let other = ground.db.superuser().await;
    other
        .batch_execute(
            "BEGIN; INSERT INTO workspaces (tenant_id, name, created_by)
                SELECT tenant_id, name, created_by FROM workspaces WHERE deleted_at IS NULL LIMIT 1",
        )
        .await
        .unwrap();
    let building = "SELECT count(*)::text FROM pg_stat_progress_create_index";
    let commit = async {
        while text(&client, building).await == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        other.batch_execute("COMMIT").await.unwrap();
    };
    let (done, ()) = tokio::join!(ground.contract(), commit);
    let left = done.outcome["left_out"].to_string();
    assert!(left.contains("workspaces_live_name_key"), "{left}");
    assert_eq!(
        text(&client, "SELECT count(*)::text FROM pg_class WHERE relname = 'workspaces_live_name_key'").await,
        "0"
    );
    assert_eq!(text(&client, "SELECT count(*)::text FROM pg_index WHERE NOT indisvalid").await, "0");
    assert_eq!(
        text(&client, "SELECT count(*)::text FROM pg_class WHERE relname = 'projects_live_name_key'").await,
        "1"
    );
}
