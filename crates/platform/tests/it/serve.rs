//! `pyairtable-platform serve` as an operator meets it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::{Process, request};

#[test]
fn first_start_prints_credentials_once_and_they_work() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let first = process.log();
    let value = |label: &str| {
        let line = first.lines().find(|line| line.contains(label)).unwrap_or_else(|| panic!("no {label} in {first}"));
        line.rsplit(' ').next().unwrap().to_owned()
    };
    let body = json!({ "email": value("E-mail"), "password": value("Password") });
    let (status, answer) = request(process.public, "POST", "/auth/login", Some(&body)).unwrap();
    assert_eq!((status, &answer["user"]["role"]), (200, &Value::from("super_admin")));
    assert!(process.terminate().0 == Some(0));

    std::fs::remove_file(data.path().join("test.log")).unwrap();
    let began = Instant::now();
    let again = Process::start(data.path());
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(!again.log().contains("Password"), "{}", again.log());
    assert_eq!(request(again.public, "POST", "/auth/login", Some(&body)).unwrap().0, 200);
}

#[test]
fn log_is_one_json_object_a_line_without_secrets() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start_with(data.path(), &[("LOG_LEVEL", "debug")]);
    let secret = "a password nobody may read";
    let body =
        json!({ "email": "ada@example.com", "password": secret, "first_name": "A\nB", "last_name": "\u{1b}[31m" });
    let (status, registered) = request(process.public, "POST", "/auth/register?x=%0d%0a", Some(&body)).unwrap();
    assert_eq!(status, 201);
    assert_eq!(request(process.public, "GET", "/nowhere%0a{\"level\":1}", None).unwrap().0, 404);
    let log = process.log();
    let (lines, mut requests, mut queries) = (log.lines().filter(|line| line.starts_with('{')), 0, 0);
    for line in lines {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["time"].is_string() && entry["level"].is_string() && entry["msg"].is_string(), "{line}");
        requests += u32::from(entry["msg"] == "request" && entry["request_id"].is_string() && entry["status"].is_u64());
        queries += u32::from(entry["msg"] == "query" && entry["micros"].is_u64());
    }
    assert!(requests >= 2 && queries >= 5, "{log}");
    for hidden in [
        secret,
        "ada@example.com",
        registered["access_token"].as_str().unwrap(),
        registered["refresh_token"].as_str().unwrap(),
    ] {
        assert!(!log.contains(hidden), "{hidden} in {log}");
    }
}

#[test]
fn internal_paths_are_on_the_internal_port_only() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    for path in ["/internal/health", "/internal/health/users"] {
        assert_eq!(request(process.internal, "GET", path, None).unwrap().0, 200, "{path}");
        assert_eq!(request(process.public, "GET", path, None).unwrap().0, 404, "{path}");
    }
    assert_eq!(request(process.internal, "GET", "/users/me", None).unwrap().0, 404);
}

#[test]
fn second_process_on_the_same_data_is_refused_with_a_clear_word() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
        .arg("serve")
        .env("PLATFORM_DATA_DIR", data.path())
        .env("PORT", "0")
        .env("INTERNAL_PORT", "0")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(&process.id().to_string()), "{stderr}");
}

#[test]
fn sigterm_lets_a_request_finish_and_ends_within_ten_seconds() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path());
    let to = process.public;
    // Fifty at once queue for the hashing threads, so some are under way when the signal comes.
    let requests: Vec<_> = (0..50)
        .map(|n| {
            let email = format!("p{n}@example.com");
            let body = json!({ "email": email, "password": "correct horse", "first_name": "A", "last_name": "B" });
            std::thread::spawn(move || request(to, "POST", "/auth/register", Some(&body)))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let (code, took) = process.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(10), "{took:?}");
    for (n, request) in requests.into_iter().enumerate() {
        assert_eq!(request.join().unwrap().map(|(status, _)| status), Some(201), "request {n} was cut");
    }
}
