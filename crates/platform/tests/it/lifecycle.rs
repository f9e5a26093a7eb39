//! From the start to the end of a serving process, where that is not the usual way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Process, request, signal};
use crate::site::{SECRETS, Site};

#[test]
fn local_postgres_that_ends_by_itself_ends_the_program() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    signal(process.postgres(), "KILL");
    let (code, log) = process.ended();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("error: the local PostgreSQL ended by itself; its log is "), "{log}");
}

#[test]
fn generated_signing_key_outlives_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let body = json!({ "email": "ada@example.com", "password": "correct horse", "first_name": "A", "last_name": "B" });
    let (_, registered) = request(process.public, "POST", "/auth/register", Some(&body)).unwrap();
    assert_eq!(process.terminate().0, Some(0));

    let again = Process::start(data.path());
    let token = json!({ "token": registered["access_token"] });
    let (status, answer) = request(again.public, "POST", "/auth/validate", Some(&token)).unwrap();
    assert_eq!((status, &answer["valid"]), (200, &Value::Bool(true)), "{answer}");
}

#[tokio::test]
async fn role_that_owns_nothing_serves_in_production_without_a_word_for_people() {
    let site = Site::new().await;
    let data = tempfile::tempdir().unwrap();
    let environment: Vec<_> = SECRETS
        .iter()
        .copied()
        .filter(|(key, _)| !key.ends_with("PORT"))
        .chain([("ENVIRONMENT", "production"), ("DATABASE_URL", site.url.as_str())])
        .collect();
    let process = Process::start_with(data.path(), &environment);
    let body = json!({ "email": "ada@example.com", "password": "correct horse", "first_name": "A", "last_name": "B" });
    let (status, answer) = request(process.public, "POST", "/auth/register", Some(&body)).unwrap();
    assert_eq!(status, 201, "{answer}");
    let log = process.log();
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert!(log.contains("\"msg\":\"ready\""), "{log}");
    assert_eq!(process.terminate().0, Some(0));
    let files: Vec<_> = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["test.log"], "production keeps nothing in the data directory");
}

#[test]
fn signal_while_postgres_starts_stops_everything_in_order() {
    let data = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
        .args(["serve", "--port", "0", "--internal-port", "0", "--data-dir"])
        .arg(data.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(150));
    signal(child.id(), "TERM");
    let began = Instant::now();
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!data.path().join("postgres/data/postmaster.pid").exists());
}
