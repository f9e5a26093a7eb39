//! The flags of the admin port. What it answers is tested beside the gateway itself.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::run_in;
use crate::gateway::Gateway;
use crate::process::request_with;

/// Where the page of a gateway is that was started with `--admin 127.0.0.1:0`.
pub(crate) fn page(gateway: &Gateway) -> String {
    let began = Instant::now();
    loop {
        let log = gateway.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(page) = lines.find_map(|line| Some(line["page"].as_str()?.to_owned())) {
            return page;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "no admin port: {log}");
    }
}

pub(crate) fn token(gateway: &Gateway) -> String {
    let file = gateway.directory.path().join("pyairtable-gateway.token");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::read_to_string(file).unwrap().trim().to_owned()
}

#[test]
fn admin_port_makes_its_token_and_keeps_it_out_of_the_log() {
    let gateway = Gateway::start_with(&["--admin", "127.0.0.1:0"]);
    let address = page(&gateway).trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    let token = token(&gateway);
    let authorization = format!("Bearer {token}");
    let answer = request_with(address, "GET", "/view", &[("authorization", &authorization)], None).unwrap();
    assert_eq!((answer.0, &answer.1["families"]["users"]["share"]), (200, &Value::from("0%")));
    let wrong = request_with(address, "GET", "/view", &[("authorization", "Bearer wrong-as-can-be")], None).unwrap();
    assert_eq!(wrong.0, 401);
    let log = gateway.log();
    assert!(log.contains("had no valid token") && !log.contains("wrong-as-can-be") && !log.contains(&token), "{log}");
}

#[test]
fn admin_port_for_other_machines_needs_a_token_file_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.yaml"), "- path: /users/*\n  upstream: http://127.0.0.1:1\n").unwrap();
    let serve = |flags: &[&str]| {
        let words = ["gateway", "serve", "--routes", "routes.yaml", "--listen", "127.0.0.1:0"];
        let run = run_in(directory.path(), &[&words, flags].concat(), &[]);
        assert_eq!(run.code, Some(1), "{}", run.shown());
        run.stderr
    };
    let open = serve(&["--admin", "0.0.0.0:0"]);
    assert!(open.contains("open to other machines: name its token with --admin-token-file"), "{open}");
    let file = directory.path().join("token");
    std::fs::write(&file, "x".repeat(40)).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let readable = serve(&["--admin", "0.0.0.0:0", "--admin-token-file", "token"]);
    assert!(readable.contains("chmod 600 token"), "{readable}");
}
