//! `gateway` as processes: the gateway, and whoever moves traffic dying or freezing beside it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kernel::Rng as _;
use serde_json::Value;
use testkit::SeededRng;

use crate::command::run_in;
use crate::process::{request, request_with, signal};
use crate::support::{long, seed};

/// A program that ends with the test.
pub(crate) struct Started(pub(crate) Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn start(directory: &Path, arguments: &[&str]) -> Started {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
        .args(arguments)
        .env_clear()
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    Started(child)
}

/// A service that answers everything with its name.
pub(crate) fn service(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let length = name.len() + 2;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\"{name}\"");
            let _ = stream.write_all(head.as_bytes());
        }
    });
    address
}

pub(crate) struct Gateway {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    process: Started,
}

impl Gateway {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (legacy, platform) = (service("legacy"), service("platform"));
        let routes = format!("- path: /api/v1/users/*\n  legacy: http://{legacy}\n  platform: http://{platform}\n");
        std::fs::write(directory.path().join("routes.yaml"), routes).unwrap();
        let address = testkit::port::free();
        let listen = address.to_string();
        let words = ["gateway", "serve", "--routes", "routes.yaml", "--listen", &listen];
        let process = start(directory.path(), &[&words, more].concat());
        let gateway = Self { directory, address, process };
        let began = Instant::now();
        while gateway.side().is_none() {
            assert!(began.elapsed() < Duration::from_mins(1), "not ready: {}", gateway.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        gateway
    }

    /// Sends a signal to the gateway, by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.process.0.id(), name);
    }

    /// Who answers now.
    pub(crate) fn side(&self) -> Option<String> {
        match request(self.address, "GET", "/api/v1/users/1", None)? {
            (200, Value::String(name)) => Some(name),
            other => panic!("{other:?}: {}", self.log()),
        }
    }

    pub(crate) fn wait_for(&self, side: &str, at_most: Duration) -> Duration {
        let began = Instant::now();
        while self.side().as_deref() != Some(side) {
            assert!(began.elapsed() < at_most, "still not {side}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    pub(crate) fn hold_everybody(&self) -> Started {
        let words = ["gateway", "set", "100%", "--hold", "--who", "ada", "--why", "a test"];
        let holder = start(self.directory.path(), &words);
        self.wait_for("platform", Duration::from_secs(5));
        holder
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

#[test]
fn gateway_returns_by_itself_when_its_controller_freezes_and_tells_it_so_afterwards() {
    let gateway = Gateway::start();
    let mut holder = gateway.hold_everybody();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(gateway.side().as_deref(), Some("platform"), "it is renewed");
    signal(holder.0.id(), "STOP");
    let took = gateway.wait_for("legacy", Duration::from_secs(16));
    // Renewed every 3 s, so the lease had 12 to 15 s left.
    assert!((Duration::from_millis(11_500)..Duration::from_millis(15_500)).contains(&took), "{took:?}");
    signal(holder.0.id(), "CONT");
    let ended = holder.0.wait().unwrap();
    assert_eq!(ended.code(), Some(1));
    assert!(gateway.log().contains("set the share again"), "{}", gateway.log());
    assert_eq!(gateway.side().as_deref(), Some("legacy"));
}

#[test]
fn gateway_returns_by_itself_when_its_controller_is_killed() {
    let gateway = Gateway::start();
    let holder = gateway.hold_everybody();
    drop(holder);
    gateway.wait_for("legacy", Duration::from_millis(15_500));
}

#[test]
fn gateway_whose_controllers_are_killed_at_any_moment_fails_no_request_and_returns() {
    let times = if long() { 200 } else { 50 };
    let random = SeededRng::new(seed());
    let gateway = Gateway::start();
    let run = |words: &[&str]| {
        let order = ["--who", "ada", "--why", "a test"];
        run_in(gateway.directory.path(), &[&["gateway"], words, &order].concat(), &[])
    };
    assert_eq!(run(&["set", "10%"]).code, Some(0));
    assert_eq!(run(&["confirm"]).code, Some(0));
    let users = || {
        let status = run_in(gateway.directory.path(), &["gateway", "status"], &[]);
        serde_json::from_str::<Value>(&status.stdout).unwrap()["families"]["users"].clone()
    };
    let mut share = "10%".to_owned();
    for time in 0..times {
        let wanted = ["100%", "50%"][time % 2];
        let words = ["gateway", "set", wanted, "--hold", "--who", "ada", "--why", "a test"];
        let holder = start(gateway.directory.path(), &words);
        let mut bytes = [0; 2];
        random.fill(&mut bytes);
        // A debug build of the program takes about so long to start, ask and be answered.
        std::thread::sleep(Duration::from_micros(u64::from(u16::from_be_bytes(bytes))));
        drop(holder);
        assert!(gateway.side().is_some());
        let now = users();
        let shown = now["share"].as_str().unwrap().to_owned();
        assert!([&*share, wanted, "10%"].contains(&&*shown), "{time}: {shown} after {share}, {wanted} wanted");
        assert_eq!((now["safe"].as_str(), now["lease_seconds"].is_null()), (Some("10%"), shown == "10%"), "{now}");
        share = shown;
    }
    std::thread::sleep(Duration::from_millis(15_500));
    let now = users();
    assert_eq!((now["share"].as_str(), now["lease_seconds"].is_null()), (Some("10%"), true), "{now}");
}

#[test]
fn commands_move_traffic_and_say_what_they_did() {
    let gateway = Gateway::start();
    let run = |words: &[&str]| {
        let order = ["--who", "ada", "--why", "a test"];
        run_in(gateway.directory.path(), &[&["gateway"], words, &order].concat(), &[])
    };
    let set = run(&["set", "100%"]);
    assert_eq!((set.code, set.stdout.as_str()), (Some(0), "users: 0% -> 100%\n"), "{}", set.shown());
    assert_eq!(gateway.side().as_deref(), Some("platform"));
    assert_eq!(run(&["confirm"]).code, Some(0));
    let back = run(&["return", "--family", "users"]);
    assert_eq!(back.stdout, "users: 100% -> 0%\n");
    assert_eq!(gateway.side().as_deref(), Some("legacy"));
    let refused = run(&["set", "1%"]);
    assert_eq!(refused.code, Some(1));
    assert_eq!(refused.stderr, "error: users is frozen: thaw it first, or return\n");
    assert_eq!(run(&["thaw"]).code, Some(0));
    assert_eq!(run(&["force", "platform", "--header", "X-Canary: yes"]).code, Some(0));
    let canary = request_with(gateway.address, "GET", "/api/v1/users/1", &[("x-canary", "yes")], None);
    assert_eq!(canary, Some((200, Value::String("platform".to_owned()))));
    assert_eq!(gateway.side().as_deref(), Some("legacy"));
    let status = run_in(gateway.directory.path(), &["gateway", "status"], &[]);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["families"]["users"]["frozen"], false);
    // Families with one side stay where they are, and people stay where somebody answers.
    let routes = gateway.directory.path().join("routes.yaml");
    let nobody = testkit::port::free();
    let users = std::fs::read_to_string(&routes).unwrap();
    let tenants = format!("- path: /api/v1/tenants/*\n  legacy: http://{nobody}\n");
    let status = |part: &str| {
        let began = Instant::now();
        while !run_in(gateway.directory.path(), &["gateway", "status"], &[]).stdout.contains(part) {
            assert!(began.elapsed() < Duration::from_mins(1), "no {part}: {}", gateway.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    std::fs::write(&routes, format!("{users}{tenants}")).unwrap();
    status("\"tenants\": {");
    let set = run(&["set", "5%"]);
    assert_eq!(
        set.stdout,
        "users: 0% -> 5%\ntenants: skipped, as it has services on one side only\n",
        "{}",
        set.shown()
    );
    std::fs::write(&routes, format!("{users}{tenants}  platform: http://{nobody}\n")).unwrap();
    status(&format!("\"http://{nobody}\": \"unwell\""));
    let refused = run(&["set", "5%", "--family", "tenants"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("/api/v1/tenants/*"), "{}", refused.shown());
    assert_eq!(run(&["set", "5%", "--family", "tenants", "--anyway"]).stdout, "tenants: 0% -> 5%\n");
    let log = gateway.log();
    assert!(log.contains("\"who\":\"ada\"") && log.contains("\"why\":\"a test\""), "{log}");
}

#[test]
fn routes_file_with_mistakes_is_refused_with_its_lines() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("routes.yaml"), "- path: users\n  upstraem: http://a:1\n").unwrap();
    let run = run_in(directory.path(), &["gateway", "serve", "--routes", "routes.yaml"], &[]);
    assert_eq!(run.code, Some(1));
    insta::assert_snapshot!("gateway_refuses_its_routes", run.stderr);
    let nobody = run_in(directory.path(), &["gateway", "status"], &[]);
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("no gateway answers at ./pyairtable-gateway.sock"), "{}", nobody.stderr);
}

#[test]
fn gateway_shows_what_it_measured() {
    let gateway = Gateway::start();
    let run = |words: &[&str]| run_in(gateway.directory.path(), &[&["gateway"], words].concat(), &[]);
    let order = ["--who", "ada", "--why", "a test"];
    assert_eq!(run(&[&["shadow", "learn", "--rate", "100%"], &order[..]].concat()).stdout, "shadow: learning\n");
    let refused = run(&[&["shadow", "start", "--rate", "100%"], &order[..]].concat());
    assert!(refused.code == Some(1) && refused.stderr.contains("let it learn first"), "{}", refused.shown());
    let start = run(&[&["shadow", "start", "--rate", "100%", "--anyway"], &order[..]].concat());
    assert_eq!(start.stdout, "shadow: comparing\n", "{}", start.shown());
    for _ in 0..5 {
        gateway.side();
    }
    let began = Instant::now();
    let report = loop {
        let report = run(&["shadow", "report"]);
        if report.stdout.contains("5 different") {
            break report;
        }
        assert!(began.elapsed() < Duration::from_mins(1), "{}", report.shown());
    };
    // Both services answer with their names.
    assert_eq!(report.code, Some(4));
    assert!(report.stdout.contains("different 5 times: GET /api/v1/users/{id} $: value\n"), "{}", report.shown());
    let values = run(&["shadow", "report", "--values"]).stdout;
    assert!(values.contains("old: legacy; new: platform; first in request req_"), "{values}");
    assert_eq!(run(&[&["shadow", "stop"], &order[..]].concat()).stdout, "shadow: off\n");

    let gates = run(&["gates"]);
    assert_eq!(gates.code, Some(3), "{}", gates.shown());
    let words = "users: hold at 0% (safe 0%, armed, quiet)\n  hold: nobody is on the new side\n";
    assert_eq!(gates.stdout, words);
    assert_eq!(run(&[&["disarm", "--family", "users"], &order[..]].concat()).code, Some(0));
    std::thread::sleep(Duration::from_millis(1500));
    let gates: Value = serde_json::from_str(&run(&["gates", "--json"]).stdout).unwrap();
    assert_eq!(gates["families"]["users"]["armed"], false, "{gates}");
    let counters: Value = serde_json::from_str(&run(&["counters", "--seconds", "30"]).stdout).unwrap();
    let points = counters["families"]["users"]["points"].as_array().unwrap();
    assert!(points.iter().map(|point| point["legacy"]["requests"].as_u64().unwrap()).sum::<u64>() >= 5, "{counters}");
    let metrics = run(&["counters", "--metrics"]).stdout;
    assert!(metrics.contains("\n# TYPE gateway_answer_seconds histogram\n"), "{metrics}");
}

#[test]
fn files_of_gates_and_intended_differences_with_mistakes_are_refused_with_their_lines() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("routes.yaml", "- path: /users/*\n  upstream: http://127.0.0.1:1\n");
    write("gates.yaml", "gates:\n  - metric: eror_rate\n");
    write("intended.yaml", "intended:\n  - endpoint: GET /users/{id}\n    field: $.name\n    kind: value\n");
    for (name, flags) in [("gates", ["--gates", "gates.yaml"]), ("register", ["--intended", "intended.yaml"])] {
        let run =
            run_in(directory.path(), &[&["gateway", "serve", "--routes", "routes.yaml"], &flags[..]].concat(), &[]);
        assert_eq!(run.code, Some(1), "{}", run.shown());
        let error: String = run.stderr.lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(format!("gateway_refuses_its_{name}"), error);
    }
}
