//! One situation for each check, on one server, one after the other: many of them are the whole server's.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use kernel::{Clock as _, FixedClock, SystemClock};
use pyairtable_cutover::preflight::{Inputs, Limits, look};
use testkit::Rewriter;
use tokio_postgres::NoTls;

use super::rows::ROWS;
use super::{Deployment, alarms_of};

/// What is done to the database, and undone where it is the whole server's. `@` is the database's name.
const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "collation-version",
        "CREATE COLLATION old (provider = icu, locale = 'en', version = '1');
         ALTER TABLE users ADD COLUMN nickname text COLLATE old",
        "",
    ),
    ("synchronous-commit", "ALTER DATABASE @ SET synchronous_commit = off", ""),
    ("writable", "ALTER DATABASE @ SET default_transaction_read_only = on", ""),
    ("session-limits", "ALTER DATABASE @ SET statement_timeout = '30s'", ""),
    ("extensions", "CREATE EXTENSION hstore VERSION '1.4'", ""),
    ("time-zone", "ALTER DATABASE @ SET timezone = 'Asia/Tokyo'", ""),
    ("large-objects", "SELECT lo_create(0)", ""),
    ("prepared-transactions", "BEGIN; SELECT txid_current(); PREPARE TRANSACTION 'left'", "ROLLBACK PREPARED 'left'"),
    (
        "replication-slots",
        "SELECT pg_create_physical_replication_slot('left', true)",
        "SELECT pg_drop_replication_slot('left')",
    ),
    ("publications", "CREATE PUBLICATION people FOR TABLE users", ""),
    (
        "subscriptions",
        "CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false, slot_name = NONE)",
        "",
    ),
    (
        "event-triggers",
        "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
         CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()",
        "",
    ),
    ("tables-in-sight", "ALTER TABLE workspaces RENAME TO workspaces_of_old", ""),
    ("one-database", "CREATE DATABASE user_service_db", "DROP DATABASE user_service_db"),
    ("kinds-of-tables", "CREATE TABLE special_projects () INHERITS (projects)", ""),
    (
        "views",
        "ALTER TABLE airtable_bases RENAME TO bases; CREATE VIEW airtable_bases AS SELECT DISTINCT * FROM bases",
        "",
    ),
    ("key-types", "ALTER TABLE refresh_tokens ALTER id DROP DEFAULT, ALTER id TYPE text", ""),
    ("columns", "ALTER TABLE projects DROP COLUMN status", ""),
    ("taken-names", "CREATE TABLE jobs (id integer)", ""),
    ("primary-keys", "ALTER TABLE workspace_audit_logs DROP CONSTRAINT workspace_audit_logs_pkey", ""),
    ("unlogged-tables", "ALTER TABLE refresh_tokens SET UNLOGGED", ""),
    ("forced-row-security", "ALTER TABLE user_profiles FORCE ROW LEVEL SECURITY", ""),
    ("disabled-triggers", "ALTER TABLE projects DISABLE TRIGGER update_projects_updated_at", ""),
    ("rules", "CREATE RULE keep AS ON DELETE TO projects DO INSTEAD NOTHING", ""),
    ("invalid-indexes", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_users_role'::regclass", ""),
    ("unchecked-constraints", "ALTER TABLE projects ADD CONSTRAINT named CHECK (name <> '') NOT VALID", ""),
    ("autovacuum", "ALTER TABLE users SET (autovacuum_enabled = false)", ""),
    ("request-roles", "CREATE ROLE pyairtable_app SUPERUSER", "DROP ROLE pyairtable_app"),
    ("sequences", "INSERT INTO examples (id, name) VALUES (100, 'by hand')", ""),
    (
        "migrations",
        "CREATE TABLE platform_migrations (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
             applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL);
         INSERT INTO platform_migrations VALUES (1000, 'later', 'x', now(), '9')",
        "",
    ),
];

/// Answers of the server that cannot be had from a good one: part of a query, and what stands there instead.
const ANSWERS: &[(&str, &str, &str)] = &[
    ("server-version", "current_setting('server_version_num')::int < 140000", "true"),
    ("fsync", "current_setting('fsync') = 'off'", "true"),
    ("full-page-writes", "current_setting('full_page_writes') = 'off'", "true"),
    ("server-space", "(SELECT setting FROM pg_settings\n            WHERE name = 'data_directory')", "'/proc'"),
    // Two sessions of one server process are what a pooler gives.
    ("pooler", "SELECT pg_backend_pid()", "SELECT 1"),
    ("only-reads", "pg_current_xact_id_if_assigned()::text", "'7'"),
];

/// What is expected of the inputs alone.
type Change = fn(&mut Inputs);

const INPUTS: &[(&str, Change)] = &[
    ("wraparound", |inputs| inputs.limits.age = 0),
    ("connection-room", |inputs| inputs.limits.connections = 10_000),
    ("backup-space", |inputs| inputs.backup = "/proc/backup".into()),
    ("client-programs", |inputs| inputs.tools.bindir = Some("/proc".into())),
    ("gateway", |inputs| inputs.surroundings.gateway = Some("127.0.0.1:1".to_owned())),
    ("clocks", |inputs| {
        let later = SystemClock.now() + SignedDuration::from_hours(1);
        inputs.clock = Arc::new(FixedClock::at(later));
    }),
    ("redis", |inputs| inputs.surroundings.redis = None),
    ("old-environment", |inputs| inputs.services.clear()),
    ("jwt-secret-equal", |inputs| set(inputs, 1, "JWT_SECRET", "q5cE1Ar6n4u0tT2Vo8kqy5YlZG3qk1Wb9qb7m0Qv3xJ")),
    ("jwt-secret-ours", |inputs| {
        inputs.surroundings.jwt_secret = Some("q5cE1Ar6n4u0tT2Vo8kqy5YlZG3qk1Wb9qb7m0Qv3xJ".to_owned().into());
    }),
    ("jwt-secret-strength", |inputs| {
        let weak = "your-secret-key-change-in-production";
        inputs.surroundings.jwt_secret = Some(weak.to_owned().into());
        set(inputs, 0, "JWT_SECRET", weak);
        set(inputs, 1, "JWT_SECRET", weak);
    }),
    ("services-database", |inputs| set(inputs, 1, "DATABASE_URL", "postgres://db/workspace_service_db")),
    ("services-redis", |inputs| set(inputs, 1, "REDIS_URL", "redis://redis:6379/3")),
];

fn set(inputs: &mut Inputs, service: usize, key: &str, value: &str) {
    inputs.services[service].values.insert(key.to_owned(), value.to_owned().into());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn preflight_finds_each_situation_by_exactly_its_check() {
    let deployment = Deployment::start(200).await;
    let clean = deployment.database().await;
    let report = look(&deployment.inputs(&clean)).await.unwrap();
    assert!(report.alarms().next().is_none(), "{report}");
    let all: Vec<&str> = report.checks.iter().map(|one| one.check).collect();
    let mut found: Vec<&'static str> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut judge = |check: &'static str, alarms: Vec<&'static str>| {
        found.push(check);
        if alarms != [check] {
            wrong.push(format!("{check}: {alarms:?}"));
        }
    };

    for (check, sql, undo) in STATEMENTS {
        let name = deployment.database().await;
        let client = deployment.connect(&name).await;
        // Some run only outside the transaction that several statements at once are.
        let alone = sql.contains("DATABASE") || sql.contains("PREPARE");
        for statement in if alone { sql.split("; ").collect() } else { vec![*sql] } {
            let done = client.batch_execute(&statement.replace('@', &name)).await;
            done.unwrap_or_else(|error| panic!("{check}: {error:?}"));
        }
        drop(client);
        judge(check, alarms_of(&deployment.inputs(&name)).await);
        deployment.connect(&name).await.batch_execute(undo).await.unwrap();
    }
    for (check, _, sql) in ROWS {
        let name = deployment.database().await;
        deployment.connect(&name).await.batch_execute(sql).await.unwrap_or_else(|error| panic!("{check}: {error:?}"));
        judge(check, alarms_of(&deployment.inputs(&name)).await);
    }
    for (check, part, instead) in ANSWERS {
        let rewriter = Rewriter::everywhere(&deployment.config(&clean), move |sql| {
            (sql == *part || part.len() > 30 && sql.contains(part) || sql.contains(&format!("WHERE {part}")))
                .then(|| sql.replace(part, instead))
        });
        let inputs = Inputs { url: rewriter.url().clone(), ..deployment.inputs(&clean) };
        judge(check, alarms_of(&inputs).await);
    }
    for (check, change) in INPUTS {
        let mut inputs = deployment.inputs(&clean);
        change(&mut inputs);
        judge(check, alarms_of(&inputs).await);
    }
    for (check, set, back) in [
        ("redis-persistence", ["save", ""], ["save", "3600 1"]),
        ("redis-eviction", ["maxmemory-policy", "allkeys-lru"], ["maxmemory-policy", "noeviction"]),
        ("redis-memory", ["maxmemory", "900000"], ["maxmemory", "0"]),
    ] {
        deployment.redis(&["CONFIG", "SET", set[0], set[1]]).await;
        judge(check, alarms_of(&deployment.inputs(&clean)).await);
        deployment.redis(&["CONFIG", "SET", back[0], back[1]]).await;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = vec![listener.local_addr().unwrap()];
    let mut inputs = deployment.inputs(&clean);
    inputs.surroundings.ports = ports;
    judge("ports", alarms_of(&inputs).await);
    judge("encoding", encoding(&deployment).await);
    judge("bloat", bloat(&deployment).await);
    judge("replication-lag", lag(&deployment, &clean).await);
    for (check, role) in roles(&deployment, &clean).await {
        let mut config = deployment.config(&clean);
        config.user(role);
        let inputs = Inputs { url: db::DatabaseUrl::from_config(config), ..deployment.inputs(&clean) };
        judge(check, alarms_of(&inputs).await);
    }
    for (check, alarms) in others(&deployment, &clean).await {
        judge(check, alarms);
    }

    assert!(alarms_of(&deployment.inputs(&clean)).await.is_empty(), "something was not put back");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let (mut all, mut found) = (all, found);
    all.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, all, "each check has its situation");
    println!("{} of {} checks found their situation and no other", found.len(), all.len());
    assert!(all.len() >= 40);
}

async fn encoding(deployment: &Deployment) -> Vec<&'static str> {
    let sql = "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'";
    deployment.connect("postgres").await.batch_execute(sql).await.unwrap();
    deployment.fill("ascii", 200).await;
    alarms_of(&deployment.inputs("ascii")).await
}

async fn bloat(deployment: &Deployment) -> Vec<&'static str> {
    let name = deployment.database().await;
    let client = deployment.connect(&name).await;
    client.batch_execute("DELETE FROM refresh_tokens").await.unwrap();
    let dead = "SELECT n_dead_tup FROM pg_stat_all_tables WHERE relid = 'refresh_tokens'::regclass";
    while client.query_one(dead, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let limits = Limits { dead_rows: 0, ..Limits::default() };
    alarms_of(&Inputs { limits, ..deployment.inputs(&name) }).await
}

/// Somebody who receives the log and never says that it is on disk.
async fn lag(deployment: &Deployment, name: &str) -> Vec<&'static str> {
    let config = deployment.config(name);
    let tokio_postgres::config::Host::Unix(socket) = &config.get_hosts()[0] else { panic!("a socket") };
    let program = super::tools().find("pg_receivewal", 15).await.unwrap();
    let mut receiver = Command::new(program)
        .arg("-D")
        .arg(deployment.folder.path())
        .arg("-h")
        .arg(socket)
        .args(["-U", config.get_user().unwrap(), "--no-loop", "--synchronous"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let client = deployment.connect(name).await;
    let until = async |sql: &str| {
        for _ in 0..500 {
            client.batch_execute("SELECT pg_logical_emit_message(true, 'test', 'x')").await.unwrap();
            if client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("never so: {sql}");
    };
    until("SELECT count(*) FROM pg_stat_replication WHERE flush_lsn IS NOT NULL").await;
    let stopped = Command::new("kill").args(["-STOP", &receiver.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    until("SELECT count(*) FROM pg_stat_replication WHERE flush_lsn < pg_current_wal_lsn()").await;
    let limits = Limits { lag: 0, ..Limits::default() };
    let alarms = alarms_of(&Inputs { limits, ..deployment.inputs(name) }).await;
    receiver.kill().unwrap();
    receiver.wait().unwrap();
    alarms
}

/// Roles that lack one right each.
async fn roles(deployment: &Deployment, name: &str) -> [(&'static str, &'static str); 5] {
    let sql = format!(
        "CREATE ROLE not_owner LOGIN CREATEROLE BYPASSRLS;
         CREATE ROLE not_creator LOGIN CREATEROLE BYPASSRLS NOINHERIT IN ROLE {0};
         CREATE ROLE not_maker LOGIN BYPASSRLS IN ROLE {0};
         CREATE ROLE not_capturer LOGIN CREATEROLE BYPASSRLS IN ROLE {0};
         CREATE ROLE not_replayer LOGIN CREATEROLE BYPASSRLS NOINHERIT IN ROLE {0};
         DO $$ DECLARE one regclass; BEGIN
             FOR one IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                 AND relname NOT IN ('users', 'refresh_tokens', 'user_profiles', 'tenants', 'workspaces', 'projects',
                     'airtable_bases', 'workspace_members', 'workspace_audit_logs')
             LOOP EXECUTE format('ALTER TABLE %s OWNER TO not_owner', one); END LOOP; END $$;
         GRANT not_owner TO not_creator, not_maker, not_replayer;
         GRANT CREATE ON DATABASE {1} TO not_owner, not_creator, not_maker, not_capturer, not_replayer;
         GRANT SET ON PARAMETER session_replication_role TO not_owner, not_creator, not_maker, not_capturer;
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO not_owner, not_creator, not_capturer, not_replayer;
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO not_owner, not_creator, not_capturer, not_replayer;
         GRANT CREATE ON SCHEMA public TO not_owner, not_replayer",
        deployment.config(name).get_user().unwrap(),
        name,
    );
    deployment.connect(name).await.batch_execute(&sql).await.unwrap();
    [
        ("owner", "not_owner"),
        ("create-in-schema", "not_creator"),
        ("create-roles", "not_maker"),
        ("capture-rights", "not_capturer"),
        ("replay-rights", "not_replayer"),
    ]
}

/// Sessions of others.
async fn others(deployment: &Deployment, name: &str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut all = Vec::new();
    let with = |limits: Limits| Inputs { limits, ..deployment.inputs(name) };
    let short = Duration::from_millis(50);
    let wait = || tokio::time::sleep(Duration::from_millis(200));

    let mut config = deployment.config(name);
    config.application_name("workspace-service");
    let (service, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    all.push(("schema-writers", alarms_of(&deployment.inputs(name)).await));
    drop(service);
    wait().await;

    let idle = deployment.connect(name).await;
    idle.batch_execute("BEGIN; SELECT 1").await.unwrap();
    wait().await;
    all.push(("idle-in-transaction", alarms_of(&with(Limits { idle: short, ..Limits::default() })).await));
    idle.batch_execute("COMMIT").await.unwrap();

    let busy = async |sql: &'static str| {
        let client = deployment.connect(name).await;
        let cancel = client.cancel_token();
        let task = tokio::spawn(async move { client.batch_execute(sql).await });
        wait().await;
        async move || {
            cancel.cancel_query(NoTls).await.unwrap();
            task.await.unwrap().unwrap_err();
        }
    };
    let end = busy("SELECT pg_sleep(60)").await;
    all.push(("long-transactions", alarms_of(&with(Limits { transaction: short, ..Limits::default() })).await));
    end().await;
    let end = busy("CREATE TABLE slow AS SELECT 1 FROM pg_sleep(60)").await;
    all.push(("schema-changes", alarms_of(&deployment.inputs(name)).await));
    end().await;

    let holder = deployment.connect(name).await;
    holder.batch_execute("BEGIN; UPDATE users SET role = role").await.unwrap();
    let end = busy("UPDATE users SET role = role").await;
    all.push(("lock-waiters", alarms_of(&with(Limits { lock_wait: short, ..Limits::default() })).await));
    end().await;
    holder.batch_execute("ROLLBACK").await.unwrap();
    all
}
