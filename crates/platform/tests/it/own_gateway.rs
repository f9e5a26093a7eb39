//! `gateway drive haproxy` as processes beside a real HAProxy: frozen, killed, and started again.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use kernel::Rng as _;
use serde_json::{Value, json};
use testkit::SeededRng;

use crate::command::run_in;
use crate::gateway::{Started, service, start};
use crate::process::{request, signal};
use crate::support::{long, seed};

/// Where HAProxy tells of requests, in that directory.
const MEASURE: &str = "./measure.sock";

/// HAProxy with both sides, in a directory with everything the driver needs.
struct Haproxy {
    directory: tempfile::TempDir,
    address: SocketAddr,
    process: Child,
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Haproxy {
    fn start(configuration: impl FnOnce(&Path, SocketAddr) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = testkit::port::free();
        let socket = directory.path().join("admin.sock");
        let text = configuration(directory.path(), address);
        let text = format!("global\n    stats socket {} mode 600 level admin\n{text}", socket.display());
        std::fs::write(directory.path().join("haproxy.cfg"), text).unwrap();
        let process = Command::new("haproxy")
            .args(["-db", "-f", "haproxy.cfg"])
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(directory.path().join("haproxy.log")).unwrap())
            .spawn()
            .expect("haproxy must be installed: apt-get install haproxy");
        let haproxy = Self { directory, address, process };
        let began = Instant::now();
        while haproxy.side().is_none() {
            let log = std::fs::read_to_string(haproxy.directory.path().join("haproxy.log")).unwrap();
            assert!(began.elapsed() < Duration::from_mins(1), "{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
        haproxy
    }

    /// With the printed configuration, to be driven by threshold.
    fn printed() -> (Self, Vec<String>) {
        let haproxy = Self::start(|directory, address| {
            let (legacy, platform) = (service("legacy"), service("platform"));
            let routes = format!("- path: /api/v1/users/*\n  legacy: http://{legacy}\n  platform: http://{platform}\n");
            std::fs::write(directory.join("routes.yaml"), routes).unwrap();
            let print = |product: &str| {
                let port = address.port().to_string();
                let words = ["gateway", "print", product, "--routes", "routes.yaml", "--share", "0", "--port", &port];
                let run =
                    run_in(directory, &[&words[..], &["--map", "pyairtable.map", "--measure", MEASURE]].concat(), &[]);
                assert_eq!(run.code, Some(0), "{}", run.shown());
                run.stdout
            };
            std::fs::write(directory.join("pyairtable.map"), print("haproxy-map")).unwrap();
            print("haproxy")
        });
        let words =
            ["--haproxy", "./admin.sock", "--routes", "routes.yaml", "--map", "pyairtable.map", "--measure", MEASURE];
        (haproxy, words.map(str::to_owned).to_vec())
    }

    /// With a configuration of its own, to be driven by weights.
    fn plain() -> (Self, Vec<String>) {
        let haproxy = Self::start(|_, address| {
            let (legacy, platform) = (service("legacy"), service("platform"));
            format!(
                "listen users\n    mode http\n    bind {address}\n    timeout connect 5s\n    timeout client 10s\n    \
                 timeout server 10s\n    server legacy {legacy} weight 100\n    server platform {platform} weight 0\n"
            )
        });
        (haproxy, ["--haproxy", "./admin.sock", "--backend", "users=users"].map(str::to_owned).to_vec())
    }

    /// Starts a driver and waits until it takes commands.
    fn driven(&self, words: &[String], more: &[&str]) -> Started {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let driver = start(self.directory.path(), &[&["gateway", "drive", "haproxy"], &words[..], more].concat());
        let began = Instant::now();
        while self.ask("/status", None).is_none() {
            assert!(began.elapsed() < Duration::from_mins(1), "not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        driver
    }

    /// Says something on the control socket, with less ado than a process.
    fn ask(&self, path: &str, body: Option<Value>) -> Option<Value> {
        use std::io::{Read as _, Write as _};
        let socket = self.directory.path().join("pyairtable-gateway.sock");
        let mut stream = std::os::unix::net::UnixStream::connect(socket).ok()?;
        let method = if body.is_some() { "POST" } else { "GET" };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
    }

    fn say(&self, word: &str, share: Option<&str>) -> Option<Value> {
        self.ask(word, Some(json!({"who": "ada", "why": "a test", "family": "users", "share": share})))
    }

    fn side(&self) -> Option<String> {
        match request(self.address, "GET", "/api/v1/users/1", None)? {
            (200, Value::String(name)) => Some(name),
            other => panic!("{other:?}: {}", self.log()),
        }
    }

    fn wait_for(&self, side: &str, at_most: Duration) -> Duration {
        let began = Instant::now();
        while self.side().as_deref() != Some(side) {
            assert!(began.elapsed() < at_most, "still not {side}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        began.elapsed()
    }

    fn hold_everybody(&self) -> Started {
        let words = ["gateway", "set", "100%", "--hold", "--who", "ada", "--why", "a test"];
        let holder = start(self.directory.path(), &words);
        self.wait_for("platform", Duration::from_secs(5));
        holder
    }

    /// What HAProxy itself says.
    fn runtime(&self, command: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::os::unix::net::UnixStream::connect(self.directory.path().join("admin.sock")).unwrap();
        writeln!(stream, "{command}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.trim().to_owned()
    }

    fn weights(&self) -> (u32, u32) {
        let weight = |server: &str| {
            let answer = self.runtime(&format!("get weight users/{server}"));
            answer.split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{answer}"))
        };
        (weight("legacy"), weight("platform"))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

/// Some time below so many microseconds.
fn moment(random: &SeededRng, below: u32) -> Duration {
    let mut bytes = [0; 4];
    random.fill(&mut bytes);
    Duration::from_micros((u32::from_be_bytes(bytes) % below).into())
}

#[test]
fn share_goes_back_by_itself_when_the_driver_freezes() {
    for (haproxy, words) in [Haproxy::printed(), Haproxy::plain()] {
        let driver = haproxy.driven(&words, &[]);
        let _holder = haproxy.hold_everybody();
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(haproxy.side().as_deref(), Some("platform"), "it is renewed");
        signal(driver.0.id(), "STOP");
        let took = haproxy.wait_for("legacy", Duration::from_secs(17));
        // Renewed every 3 s, so the lease had 12 to 15 s left; HAProxy ends it up to a second early.
        assert!(took > Duration::from_millis(10_500), "{took:?}");
        signal(driver.0.id(), "CONT");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(haproxy.side().as_deref(), Some("legacy"), "whoever slept does not take it up again");
        assert_eq!(haproxy.ask("/status", None).unwrap()["families"]["users"]["share"], "0%");
    }
}

#[test]
fn share_goes_back_by_itself_when_the_driver_is_killed() {
    let (haproxy, words) = Haproxy::printed();
    let driver = haproxy.driven(&words, &[]);
    let _holder = haproxy.hold_everybody();
    drop(driver);
    haproxy.wait_for("legacy", Duration::from_secs(16));

    let (haproxy, words) = Haproxy::plain();
    let driver = haproxy.driven(&words, &[]);
    let _holder = haproxy.hold_everybody();
    drop(driver);
    haproxy.wait_for("legacy", Duration::from_secs(5));
    assert!(haproxy.log().contains("the guard put the safe share in force"), "{}", haproxy.log());

    // What the guard is for.
    let (haproxy, words) = Haproxy::plain();
    let driver = haproxy.driven(&words, &["--no-guard"]);
    let _holder = haproxy.hold_everybody();
    drop(driver);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(haproxy.side().as_deref(), Some("platform"), "without a guard nobody takes weights back");
    let _driver = haproxy.driven(&words, &[]);
    haproxy.wait_for("legacy", Duration::from_secs(2));
}

#[test]
fn commands_are_those_of_the_gateway_and_the_end_leaves_what_was_confirmed() {
    for (haproxy, words) in [Haproxy::printed(), Haproxy::plain()] {
        let mut driver = haproxy.driven(&words, &[]);
        let run = |words: &[&str]| {
            let order = ["--who", "ada", "--why", "a test"];
            run_in(haproxy.directory.path(), &[&["gateway"], words, &order].concat(), &[])
        };
        let set = run(&["set", "100%"]);
        assert_eq!((set.code, set.stdout.as_str()), (Some(0), "users: 0% -> 100%\n"), "{}", set.shown());
        assert_eq!(haproxy.side().as_deref(), Some("platform"));
        assert_eq!(run(&["return"]).stdout, "users: 100% -> 0%\n");
        assert_eq!(haproxy.side().as_deref(), Some("legacy"));
        assert_eq!(run(&["set", "1%"]).stderr, "error: users is frozen: thaw it first, or return\n");
        assert_eq!(run(&["thaw"]).code, Some(0));
        assert_eq!(run(&["set", "100%"]).code, Some(0));
        signal(driver.0.id(), "TERM");
        assert_eq!(driver.0.wait().unwrap().code(), Some(0), "{}", haproxy.log());
        assert_eq!(haproxy.side().as_deref(), Some("legacy"), "nobody confirmed it");
        let log = haproxy.log();
        assert!(log.contains("\"who\":\"ada\"") && log.contains("\"why\":\"a test\""), "{log}");
    }
}

#[test]
fn driver_killed_at_any_moment_of_a_shift_fails_no_request_and_leaves_the_safe_share() {
    let times = if long() { 200 } else { 50 };
    let random = SeededRng::new(seed());
    let (haproxy, words) = Haproxy::plain();
    let driver = haproxy.driven(&words, &[]);
    haproxy.say("/set", Some("10%")).unwrap();
    haproxy.say("/confirm", None).unwrap();
    drop(driver);
    let safe = haproxy.weights();
    assert_eq!(safe, (252, 28));

    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (stop, answered, address) = (Arc::clone(&stop), Arc::clone(&answered), haproxy.address);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = request(address, "GET", "/api/v1/users/1", None);
                    assert!(matches!(answer, Some((200, _))), "{answer:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for time in 0..times {
        let driver = haproxy.driven(&words, &[]);
        let moment = moment(&random, 60_000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Until nobody answers.
                for share in ["100%", "10%", "50%", "100%", "0.5%"].iter().cycle() {
                    // Below the safe share it would become the safe one.
                    let share = if *share == "0.5%" { "10%" } else { share };
                    if haproxy.say("/set", Some(share)).is_none() {
                        return;
                    }
                }
            });
            std::thread::sleep(moment);
            drop(driver);
        });
        let began = Instant::now();
        while haproxy.weights() != safe {
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{time}, {moment:?}: {:?}: {}",
                haproxy.weights(),
                haproxy.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.join().expect("no request failed");
    }
    println!("{times} kills, {} requests", answered.load(Ordering::Relaxed));
    assert!(answered.load(Ordering::Relaxed) > 100);
}

#[test]
fn driver_killed_at_any_moment_leaves_whole_entries_in_the_map() {
    let times = if long() { 100 } else { 20 };
    let random = SeededRng::new(seed());
    let (haproxy, words) = Haproxy::printed();
    for time in 0..times {
        let driver = haproxy.driven(&words, &[]);
        let moment = moment(&random, 30_000);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for share in ["100%", "50%"].iter().cycle() {
                    if haproxy.say("/set", Some(share)).is_none() {
                        return;
                    }
                }
            });
            std::thread::sleep(moment);
            drop(driver);
        });
        let whole = [0, 1_u64 << 55, 1 << 56].map(|threshold| threshold.to_string());
        for map in [
            haproxy.runtime("show map pyairtable.map"),
            std::fs::read_to_string(haproxy.directory.path().join("pyairtable.map")).unwrap(),
        ] {
            let entry = map.lines().last().unwrap().rsplit(' ').next().unwrap();
            let parts: Vec<&str> = entry.split(':').collect();
            assert!(parts.len() == 3 && whole.contains(&parts[0].to_owned()) && parts[2] == "0", "{time}: {map}");
        }
        assert!(haproxy.side().is_some());
    }
    let _driver = haproxy.driven(&words, &[]);
    assert_eq!(haproxy.side().as_deref(), Some("legacy"));
}
