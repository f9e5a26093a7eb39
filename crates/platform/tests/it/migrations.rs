//! Migrations on new databases, beside old services, and under locks.

use std::time::{Duration, Instant};

use db::migrate::{MIGRATIONS, MigrateError, status, up};
use testkit::TestDb;
use testkit::legacy::layouts::{AUTH, PROFILES, VIEW};
use tokio_postgres::Client;

/// Rows as the old services left them.
const LEGACY_ROWS: &str = "
    INSERT INTO users (id, email, password_hash, first_name, last_name, role, tenant_id, is_active, created_at)
        SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'old' || n || '@example.com', 'x', 'Old', 'Row',
            'user', ('00000000-0000-4000-9000-' || lpad((n % 3)::text, 12, '0'))::uuid, nullif(n % 4, 0) <> 1,
            CASE WHEN n % 5 > 0 THEN now() END
        FROM generate_series(1, 100) n;";

const LEGACY_SIDE_ROWS: &str = "
    INSERT INTO refresh_tokens (token_hash, user_id, expires_at) SELECT 'hash' || id, id, now() FROM users;
    INSERT INTO user_profiles (user_id, email, first_name, last_name, tenant_id, preferences)
        SELECT id, email, first_name, last_name, tenant_id, 'null' FROM users WHERE email LIKE '%1@%';";

/// The old services' tables in these schemas.
fn legacy(auth: &str, users: &str) -> String {
    format!(
        "SET search_path = {auth}, public; {AUTH}; SET search_path = {users}, public; {PROFILES}; RESET search_path"
    )
}

/// What an old role gets to see, table by table, or why not.
async fn seen(db: &TestDb, set_up: &str) -> Vec<String> {
    let database = db.superuser().await;
    database.batch_execute(set_up).await.unwrap();
    let mut all = Vec::new();
    for table in ["users", "refresh_tokens", "user_profiles"] {
        // Only the columns of the old services: later ones may be added.
        let columns = if table == "refresh_tokens" {
            "id, token_hash, user_id, expires_at, revoked_at, last_used_at, created_at"
        } else {
            "*"
        };
        let sql = format!("SELECT string_agg(t::text, ' ' ORDER BY t::text) FROM (SELECT {columns} FROM {table}) t");
        all.push(match database.query_one(&sql, &[]).await {
            Ok(row) => row.get::<_, Option<String>>(0).unwrap_or_default(),
            Err(error) => error.as_db_error().unwrap().message().to_owned(),
        });
    }
    all
}

/// Name, type, default and nullability of every column, without those the migrations add.
async fn columns(database: &Client) -> Vec<String> {
    let rows = database
        .query(
            "SELECT c.oid::regclass || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' '
                 || a.attnotnull || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '-')
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
             WHERE c.relname IN ('users', 'platform_users', 'user_profiles', 'refresh_tokens') AND a.attnum > 0
                 AND a.attname NOT IN ('session_id', 'rotated_at', 'successor_nonce') ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The roles an old service may have connected as, each with what its sessions set.
const OLD_ROLES: [&str; 4] = [
    "RESET ROLE",
    "SET ROLE old_owner",
    "SET ROLE old_service",
    "SET ROLE old_service; SET app.current_user_id = '00000000-0000-4000-8000-000000000011';
     SET app.current_tenant_id = '00000000-0000-4000-9000-000000000001'",
];

/// An empty database, and the roles of old services.
async fn old_database() -> TestDb {
    let db = TestDb::empty().await;
    let roles = "DO $$ BEGIN
        IF to_regrole('old_owner') IS NULL THEN CREATE ROLE old_owner; CREATE ROLE old_service; END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;";
    db.superuser().await.batch_execute(roles).await.unwrap();
    db
}

/// Migrates, and fails unless old roles see what they saw, in columns that are as they were.
async fn migrate_beside_old_roles(db: &TestDb) {
    let before_columns = columns(&db.superuser().await).await;
    assert!(before_columns.len() > 30, "{before_columns:?}");
    let mut before = Vec::new();
    for role in OLD_ROLES {
        before.push(seen(db, role).await);
    }
    assert!(before[0].iter().all(|rows| rows.len() > 100), "{before:?}");
    assert_eq!(up(db.url()).await.unwrap().len(), MIGRATIONS.len());
    for (role, before) in OLD_ROLES.iter().zip(before) {
        assert_eq!(seen(db, role).await, before, "{role}");
    }
    assert_eq!(columns(&db.superuser().await).await, before_columns);
    assert!(up(db.url()).await.unwrap().is_empty());
}

#[tokio::test]
async fn up_twice_applies_nothing_the_second_time() {
    let db = TestDb::empty().await;
    let applied = up(db.url()).await.unwrap();
    assert_eq!(applied.len(), MIGRATIONS.len());
    assert!(up(db.url()).await.unwrap().is_empty());
    let status = status(db.url()).await.unwrap();
    assert!(status.iter().all(|one| one.applied_at.is_some()), "{status:?}");
}

#[tokio::test]
async fn up_from_many_replicas_at_once_applies_each_once() {
    let db = TestDb::empty().await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { up(db.url()).await.map(|applied| applied.len()) })
        })
        .collect();
    let mut applied = 0;
    for task in tasks {
        applied += task.await.unwrap().unwrap();
    }
    assert_eq!(applied, MIGRATIONS.len());
}

#[tokio::test]
async fn up_refuses_a_newer_schema_and_a_changed_file() {
    let db = TestDb::new().await;
    let database = db.superuser().await;
    let before = "UPDATE platform_migrations SET checksum = 'x' || checksum WHERE version = 2";
    database.batch_execute(before).await.unwrap();
    for result in [up(db.url()).await.map(drop), status(db.url()).await.map(drop)] {
        assert!(matches!(result, Err(MigrateError::Changed { version: 2, .. })), "{result:?}");
    }
    let newer = "INSERT INTO platform_migrations (version, name, checksum, applied_by) VALUES (1000, 'x', 'x', '9')";
    database.batch_execute(newer).await.unwrap();
    let error = up(db.url()).await.unwrap_err();
    assert!(matches!(error, MigrateError::Newer { database: 1000, .. }), "{error}");
    assert!(error.to_string().contains("1000"), "{error}");
}

#[tokio::test]
async fn up_keeps_everything_in_the_public_schema() {
    let db = old_database().await;
    let database = db.superuser().await;
    database.batch_execute(&legacy("public", "public")).await.unwrap();
    database.batch_execute(&[LEGACY_ROWS, LEGACY_SIDE_ROWS].concat()).await.unwrap();
    let grants = "ALTER TABLE users OWNER TO old_owner; ALTER TABLE user_profiles OWNER TO old_owner;
        ALTER TABLE refresh_tokens OWNER TO old_owner;
        GRANT SELECT, INSERT, UPDATE, DELETE ON users, user_profiles, refresh_tokens TO old_service";
    database.batch_execute(grants).await.unwrap();
    migrate_beside_old_roles(&db).await;
    program_works(&db).await;
    // And the old service writes as it always did.
    let writes = "SET ROLE old_service; UPDATE users SET first_name = 'Newer' WHERE email = 'old7@example.com';
        INSERT INTO users (email, password_hash, first_name, last_name, tenant_id)
            VALUES ('fresh@example.com', 'x', 'a', 'b', gen_random_uuid());
        DELETE FROM users WHERE email = 'fresh@example.com'";
    db.superuser().await.batch_execute(writes).await.unwrap();
}

#[tokio::test]
async fn up_keeps_everything_in_a_schema_for_each_service() {
    for path in ["auth, users, public", "public, auth, users"] {
        let db = old_database().await;
        let database = db.superuser().await;
        let name: String = database.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
        database
            .batch_execute(&format!(
                "CREATE SCHEMA auth; CREATE SCHEMA users; ALTER DATABASE {name} SET search_path = {path};
                 GRANT USAGE ON SCHEMA auth, users TO old_owner, old_service;"
            ))
            .await
            .unwrap();
        let database = db.superuser().await;
        database.batch_execute(&legacy("auth", "users")).await.unwrap();
        database.batch_execute(&[LEGACY_ROWS, LEGACY_SIDE_ROWS].concat()).await.unwrap();
        let grants = "ALTER TABLE users OWNER TO old_owner; ALTER TABLE user_profiles OWNER TO old_owner;
            GRANT SELECT, INSERT, UPDATE, DELETE ON users, user_profiles, refresh_tokens TO old_service";
        database.batch_execute(grants).await.unwrap();
        migrate_beside_old_roles(&db).await;
        program_works(&db).await;
    }
}

/// What old roles may do where `users` is a view.
const VIEW_GRANTS: &str = "GRANT SELECT, INSERT, UPDATE, DELETE ON users, platform_users, user_profiles, refresh_tokens
    TO old_owner, old_service";

#[tokio::test]
async fn up_keeps_everything_where_users_is_a_view() {
    let db = old_database().await;
    let database = db.superuser().await;
    database.batch_execute(VIEW).await.unwrap();
    database.batch_execute(VIEW_GRANTS).await.unwrap();
    database.batch_execute(&[LEGACY_ROWS, LEGACY_SIDE_ROWS].concat()).await.unwrap();
    migrate_beside_old_roles(&db).await;
    program_works(&db).await;
    // A row of which nearly everything is missing disturbs nobody but its owner.
    let row = "INSERT INTO platform_users (email, password_hash, is_active) VALUES ('hollow@example.com', NULL, NULL)";
    database.batch_execute(row).await.unwrap();
    let app = crate::support::TestApp::on(db.clone(), |_| {});
    let root = app.login("root@example.com").await;
    let id: String =
        database.query_one("SELECT id::text FROM users WHERE email LIKE 'hollow%'", &[]).await.unwrap().get(0);
    for path in [format!("/users/{id}"), "/users?search=hollow".to_owned(), "/users/stats".to_owned()] {
        let answer = root.http.get(&path).send().await;
        assert!(answer.status.as_u16() < 500, "{path}: {}", answer.body);
    }
    let login = serde_json::json!({ "email": "hollow@example.com", "password": "x" });
    app.http.post("/auth/login").json(&login).send().await.expect(401);
}

/// Fails unless the program serves people on this database: somebody new, and somebody old.
async fn program_works(db: &TestDb) {
    use serde_json::json;
    let app = crate::support::TestApp::on(db.clone(), |_| {});
    let admin = app.admin("new@example.com").await;
    let member = app.member(&admin, "newer@example.com").await;
    assert_eq!(member.http.get("/users").send().await.expect(200).body["total"], 2);
    let path = format!("/users/{}", member.id);
    member.http.put(&path).json(&json!({ "bio": "x", "first_name": "G" })).send().await.expect(200);
    admin.http.delete(&path).send().await.expect(200);
    admin.http.post(&format!("{path}/restore")).send().await.expect(200);
    let root = app.super_admin().await;
    let tenant = "00000000-0000-4000-9000-000000000001";
    let old = root.http.get(&format!("/users?tenant_id={tenant}&sort_by=email&cursor=")).send().await.expect(200);
    assert_eq!(old.body["users"].as_array().unwrap().len(), 20, "{}", old.body);
    let stats = root.http.get(&format!("/users/stats?tenant_id={tenant}")).send().await.expect(200);
    assert_eq!(stats.body["total_users"], 34);
    let old = format!("/users/{}", old.body["users"][0]["id"].as_str().unwrap());
    let changed = root.http.put(&old).json(&json!({ "last_name": "Changed" })).send().await.expect(200);
    assert_eq!(changed.text("display_name"), "Old Changed");
}

#[tokio::test]
async fn up_waits_for_locks_without_holding_readers_up() {
    let db = old_database().await;
    let database = db.superuser().await;
    database.batch_execute(&legacy("public", "public")).await.unwrap();
    database.batch_execute(&[LEGACY_ROWS, LEGACY_SIDE_ROWS].concat()).await.unwrap();
    // A report that reads for a while holds the weakest lock there is.
    database.batch_execute("BEGIN; SELECT count(*) FROM users").await.unwrap();
    let reader = db.superuser().await;
    let migrating = tokio::spawn({
        let db = db.clone();
        async move { up(db.url()).await }
    });
    let (began, mut slowest, mut reads) = (Instant::now(), Duration::ZERO, 0);
    while began.elapsed() < Duration::from_millis(1500) {
        let read = Instant::now();
        reader.batch_execute("SELECT count(*) FROM users").await.unwrap();
        slowest = slowest.max(read.elapsed());
        reads += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!migrating.is_finished(), "it did not wait for the lock");
    assert!(reads > 100 && slowest < Duration::from_millis(150), "{reads} reads, the slowest took {slowest:?}");
    // The wait is really seen: somebody who does wait for the lock blocks readers for good.
    assert!(slowest > Duration::from_millis(5), "no read ever met the migration: {slowest:?}");
    database.batch_execute("COMMIT").await.unwrap();
    assert_eq!(migrating.await.unwrap().unwrap().len(), MIGRATIONS.len());
}
