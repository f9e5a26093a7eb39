//! `legacy-stand-in`, in builds that have it: `cargo test -p pyairtable-platform --features legacy-stand-in`.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use testkit::{TestDb, TestRedis};
use tokio_postgres::config::Host;

use crate::process::{free_port, request};

#[tokio::test]
async fn coexistence_stand_in_as_a_command() {
    let db = TestDb::empty().await;
    let redis = tokio::task::spawn_blocking(TestRedis::url).await.unwrap();
    let config = db.config();
    let Some(Host::Unix(folder)) = config.get_hosts().first() else { panic!("the test server has a socket") };
    let url = format!(
        "host={} port={} user={} dbname={}",
        folder.display(),
        config.get_ports().first().unwrap_or(&5432),
        config.get_user().unwrap(),
        config.get_dbname().unwrap()
    );
    let base = free_port().port().min(60_000);
    let run = |generate: &'static str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
            .args(["legacy-stand-in", "--jwt-secret", "secret", "--layout", "schemas", "--generate", generate])
            .args(["--database-url", &url, "--redis-url", &redis, "--port-base", &base.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let found: Vec<String> =
            lines.by_ref().map_while(Result::ok).take(if generate == "50" { 6 } else { 5 }).collect();
        let address = SocketAddr::from(([127, 0, 0, 1], base));
        let health = request(address, "GET", "/health", None);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(health.map(|(status, body)| (status, body["service"].clone())), Some((200, "auth-service".into())));
        found.join("\n")
    };
    let first = run("50");
    assert!(first.contains("people: 50"), "{first}");
    assert!(first.contains(&format!("notifications  http://127.0.0.1:{}", base + 4)), "{first}");
    // Tables that are there are used, and no rows are added.
    assert!(!run("70").contains("made"));
    let people: i64 = db.superuser().await.query_one("SELECT count(*) FROM auth.users", &[]).await.unwrap().get(0);
    assert_eq!(people, 50);
}
