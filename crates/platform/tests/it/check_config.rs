//! `check-config` on real servers, good ones and broken ones.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use db::migrate;
use pyairtable_platform::check;
use serde_json::Value;
use testkit::TestDb;

use crate::command::{Run, run_in};
use crate::process::Process;
use crate::site::{SECRETS, Site};

impl Site {
    /// `check-config` in production.
    fn check(&self) -> Run {
        self.check_with(&[("ENVIRONMENT", "production")])
    }

    fn check_with(&self, more: &[(&str, &str)]) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let environment = [SECRETS, &[("DATABASE_URL", self.url.as_str())], more].concat();
        run_in(directory.path(), &["check-config"], &environment)
    }
}

impl Run {
    /// Fails unless there is exactly one problem, about `subject` and saying `words`.
    #[track_caller]
    fn expect_problem(&self, subject: &str, words: &str) {
        let problems: Vec<&str> = self.stdout.lines().filter(|line| line.starts_with("  problem")).collect();
        let [problem] = problems.as_slice() else { panic!("not one problem: {}", self.shown()) };
        assert!(problem.contains(&format!(" {subject}: ")) && problem.contains(words), "{}", self.shown());
        assert_eq!(self.code, Some(1));
    }
}

#[tokio::test]
async fn good_site_passes_and_shows_no_secret() {
    let site = Site::new().await;
    let run = site.check();
    let filters = vec![
        (r"postgres://platform_\d+@\S+", "DATABASE-URL"),
        (r"DATABASE-URL +environment", "DATABASE-URL  environment"),
        (r"(?m)^(  [A-Z_]+ +\S.*?) {2,}(default|environment)$", "$1  $2"),
        (r"PostgreSQL \d\S* .*, connected in \d+ ms", "PostgreSQL VERSION, connected in N ms"),
        (r"platform_\d+", "ROLE"),
        (r"all \d+ applied", "all N applied"),
        (r"on \d+ tables", "on N tables"),
    ];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(run.shown()); });
    assert!(!run.stdout.contains("Jx3vQ0m7"), "{}", run.stdout);
}

#[tokio::test]
async fn lists_of_the_check_are_what_the_migrations_make() {
    let client = TestDb::new().await.superuser().await;
    let tables = client
        .query("SELECT DISTINCT polrelid::regclass::text FROM pg_policy WHERE polname = 'platform_tenant'", &[])
        .await
        .unwrap();
    let protected: BTreeSet<String> = tables.iter().map(|row| row.get(0)).collect();
    assert_eq!(protected, check::PROTECTED.iter().map(|table| (*table).to_owned()).collect());

    let grants = client
        .query(
            "SELECT DISTINCT pg_get_userbyid(acl.grantee)::text, c.relname::text, acl.privilege_type
             FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid,
                  LATERAL (SELECT * FROM aclexplode(c.relacl) UNION SELECT * FROM aclexplode(a.attacl)) AS acl
             WHERE c.relkind = 'r' AND c.relname <> 'platform_migrations'
               AND acl.grantee IN ('pyairtable_app'::regrole, 'pyairtable_system'::regrole)",
            &[],
        )
        .await
        .unwrap();
    let granted: BTreeSet<[String; 3]> = grants.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    let needed = check::NEEDED.iter().flat_map(|(role, table, privileges)| {
        privileges.iter().map(move |privilege| [role, table, privilege].map(|text| (*text).to_owned()))
    });
    assert_eq!(granted, needed.collect());
}

#[tokio::test]
async fn superuser_is_refused_in_production_and_named_elsewhere() {
    let site = Site::on(TestDb::new().await, "SUPERUSER").await;
    site.check().expect_problem("database role", "is a superuser");
    let development = site.check_with(&[]);
    assert_eq!(development.code, Some(0), "{}", development.shown());
    assert!(development.stdout.contains("warning  database role"), "{}", development.stdout);

    let directory = tempfile::tempdir().unwrap();
    let environment = [SECRETS, &[("DATABASE_URL", site.url.as_str()), ("ENVIRONMENT", "production")]].concat();
    let serve = run_in(directory.path(), &["serve"], &environment);
    assert_eq!(serve.code, Some(1));
    assert!(serve.stderr.contains("is a superuser"), "{}", serve.shown());
}

#[tokio::test]
async fn role_that_bypasses_row_level_security_is_refused() {
    let site = Site::new().await;
    site.sql(&format!("ALTER ROLE {} BYPASSRLS", site.role)).await;
    site.check().expect_problem("database role", "BYPASSRLS");
}

#[tokio::test]
async fn role_that_cannot_become_the_application_roles_is_told_so() {
    let site = Site::new().await;
    site.sql(&format!("REVOKE pyairtable_app FROM {}", site.role)).await;
    site.check().expect_problem("privileges", "cannot become pyairtable_app");
}

#[tokio::test]
async fn missing_privileges_are_listed_by_table() {
    let site = Site::new().await;
    site.sql(
        "REVOKE INSERT, UPDATE ON users FROM pyairtable_app; REVOKE DELETE ON refresh_tokens FROM pyairtable_system",
    )
    .await;
    let run = site.check();
    assert!(run.stdout.contains("pyairtable_app lacks INSERT on users, UPDATE on users"), "{}", run.shown());
    assert!(run.stdout.contains("pyairtable_system lacks DELETE on refresh_tokens"), "{}", run.shown());
    assert_eq!(run.code, Some(1));
}

#[tokio::test]
async fn privileges_beyond_what_is_needed_are_warned_of() {
    let site = Site::new().await;
    site.sql("GRANT SELECT ON users TO PUBLIC; GRANT DELETE ON audit_events TO pyairtable_app").await;
    let run = site.check();
    assert!(
        run.stdout.contains("pyairtable_app may change the audit trail and read password hashes"),
        "{}",
        run.shown()
    );
    assert_eq!(run.code, Some(0));
}

#[tokio::test]
async fn row_level_security_switched_off_is_found_by_trying() {
    let site = Site::new().await;
    site.sql(
        "INSERT INTO tenants (id, name, slug) VALUES (gen_random_uuid(), 'Somebody', 'somebody');
         ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
    )
    .await;
    let run = site.check();
    assert!(run.stdout.contains("tenants: it is switched off"), "{}", run.shown());
    assert!(run.stdout.contains("tenants: a tenant that does not exist sees rows"), "{}", run.shown());
    assert_eq!(run.code, Some(1));
}

#[tokio::test]
async fn missing_policy_is_found_on_an_empty_table() {
    let site = Site::new().await;
    site.sql("DROP POLICY platform_tenant ON users").await;
    site.check().expect_problem("row-level security", "users: the restrictive policy platform_tenant is missing");
}

#[tokio::test]
async fn policy_that_restricts_nothing_is_found_by_trying() {
    let site = Site::new().await;
    site.sql(
        "INSERT INTO tenants (id, name, slug) VALUES (gen_random_uuid(), 'Somebody', 'somebody');
         ALTER POLICY platform_tenant ON tenants USING (true)",
    )
    .await;
    site.check().expect_problem("row-level security", "tenants: a tenant that does not exist sees rows");
}

#[tokio::test]
async fn pending_migrations_are_a_warning() {
    let site = Site::on(TestDb::empty().await, "").await;
    let run = site.check();
    assert_eq!(run.code, Some(0), "{}", run.shown());
    let count = migrate::MIGRATIONS.len();
    assert!(run.stdout.contains(&format!("migrations: {count} of {count} not applied yet")), "{}", run.shown());
    assert!(run.stdout.contains("skipped  row-level security"), "{}", run.shown());
}

#[tokio::test]
async fn newer_schema_is_a_problem() {
    let site = Site::new().await;
    site.sql("INSERT INTO platform_migrations (version, name, checksum, applied_by) VALUES (9999, 'x', 'y', 'z')")
        .await;
    site.check().expect_problem("migrations", "schema version 9999");
}

#[test]
fn unreachable_database_hides_no_other_problem() {
    let directory = tempfile::tempdir().unwrap();
    let url = "postgres://app:9fQ2vL0xTz7K@127.0.0.1:1/x";
    let environment = [
        ("ENVIRONMENT", "production"),
        ("DATABASE_URL", url),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1"),
        ("JWT_SECRET", "secret"),
        ("PORT", "x"),
    ];
    let run = run_in(directory.path(), &["check-config", "--format", "json"], &environment);
    assert_eq!(run.code, Some(1));
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let mut problems: Vec<_> = checks
        .iter()
        .filter(|check| check["severity"] == "problem")
        .map(|check| check["subject"].as_str().unwrap())
        .collect();
    problems.sort_unstable();
    assert_eq!(problems, ["JWT_SECRET", "PORT", "database", "redis"]);
    assert!(!run.stdout.contains("9fQ2vL0xTz7K") && !run.stdout.contains("hunter2"), "{}", run.stdout);
    let keys = report["configuration"].as_array().unwrap();
    let of = |key: &str| keys.iter().find(|entry| entry["key"] == key).unwrap();
    assert_eq!(of("LOG_LEVEL")["value"], "info");
    assert_eq!(of("PORT")["source"], "environment");
}

#[test]
fn local_database_is_started_for_the_check_and_left_alone_while_it_serves() {
    let directory = tempfile::tempdir().unwrap();
    let check = || {
        let data = directory.path().to_str().unwrap();
        run_in(directory.path(), &["--check-config", "--port", "0", "--internal-port", "0", "--data-dir", data], &[])
    };
    let alone = check();
    assert_eq!(alone.code, Some(0), "{}", alone.shown());
    assert!(alone.stdout.contains("ok       database: PostgreSQL"), "{}", alone.shown());

    let serving = Process::start(directory.path());
    let beside = check();
    assert_eq!(beside.code, Some(0), "{}", beside.shown());
    assert!(beside.stdout.contains(&format!("is in use by process {}", serving.id())), "{}", beside.shown());
}

#[test]
fn busy_port_is_a_warning_for_the_check_and_a_problem_for_serving() {
    let directory = tempfile::tempdir().unwrap();
    let busy = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = busy.local_addr().unwrap().port().to_string();
    let environment = [("PORT", port.as_str()), ("INTERNAL_PORT", "0")];
    let check = run_in(directory.path(), &["check-config"], &environment);
    assert_eq!(check.code, Some(0), "{}", check.shown());
    assert!(check.stdout.contains(&format!("warning  PORT: port {port} is in use")), "{}", check.shown());
    let serve = run_in(directory.path(), &["serve"], &environment);
    assert_eq!(serve.code, Some(1), "{}", serve.shown());
    assert!(serve.stderr.contains(&format!("problem  PORT: port {port} is in use")), "{}", serve.shown());
}

#[test]
fn data_directory_that_is_a_file_is_a_problem() {
    let directory = tempfile::tempdir().unwrap();
    let environment = [("PLATFORM_DATA_DIR", "/dev/null"), ("PORT", "0"), ("INTERNAL_PORT", "0")];
    let serve = run_in(directory.path(), &["serve"], &environment);
    assert_eq!(serve.code, Some(1), "{}", serve.shown());
    assert!(serve.stderr.contains("PLATFORM_DATA_DIR: /dev/null cannot be written"), "{}", serve.shown());
}

/// A Redis that wants a password.
struct RedisServer(Child);

impl RedisServer {
    fn start(directory: &Path, port: u16) -> Self {
        let port = port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--requirepass", "hunter2"])
            .current_dir(directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let began = Instant::now();
        while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
            assert!(began.elapsed() < Duration::from_mins(1), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn redis_is_tried_with_its_password() {
    let site = Site::new().await;
    let directory = tempfile::tempdir().unwrap();
    let port = testkit::port::free().port();
    let _redis = RedisServer::start(directory.path(), port);
    let url = format!("redis://127.0.0.1:{port}");
    let production = ("ENVIRONMENT", "production");
    let good = site.check_with(&[production, ("REDIS_URL", &url), ("REDIS_PASSWORD", "hunter2")]);
    assert_eq!(good.code, Some(0), "{}", good.shown());
    assert!(good.stdout.contains("ok       redis: Redis "), "{}", good.shown());
    site.check_with(&[production, ("REDIS_URL", &url), ("REDIS_PASSWORD", "wrong")])
        .expect_problem("redis", "not usable");
}
