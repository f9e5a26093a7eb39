//! The old services' stand-ins as a command.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use testkit::{TestDb, TestRedis};
use tokio_postgres::config::Host;

#[tokio::test]
async fn stand_ins_serve_on_ports_and_make_rows_once() {
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
    let base = testkit::port::consecutive(5).port();
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
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut health = String::new();
        stream.read_to_string(&mut health).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(health.starts_with("HTTP/1.1 200") && health.contains("auth-service"), "{health}");
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
