//! HAProxy as a process with a master, and a driver beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::SystemClock;
use pyairtable_gateway::control::client::{Answer, ask};
use pyairtable_gateway::control::socket;
use pyairtable_gateway::haproxy::weights::Weights;
use pyairtable_gateway::haproxy::{Driver, Measure, Mode, Parts};
use pyairtable_gateway::print::{self, Options, Product};
use pyairtable_gateway::routes::parse;
use pyairtable_gateway::split::Share;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::load::Sender;

/// Ends with the test, and its workers with it.
pub(crate) struct Haproxy {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) address: SocketAddr,
    master: Child,
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        self.signal("TERM");
        let _ = self.master.wait();
    }
}

fn spawn(directory: &Path) -> Child {
    let log = std::fs::File::create(directory.join("log")).unwrap();
    Command::new("haproxy")
        .args(["-W", "-f"])
        .arg(directory.join("haproxy.cfg"))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("haproxy must be installed: apt-get install haproxy")
}

impl Haproxy {
    /// Starts it with what `configuration` makes of its directory and port.
    pub(crate) async fn start(configuration: impl FnOnce(&Path, u16) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = testkit::port::free();
        let socket = directory.path().join("admin.sock");
        let text = format!(
            "global\n    stats socket {} mode 600 level admin\n    server-state-file {}\n    hard-stop-after 5s\n{}",
            socket.display(),
            directory.path().join("state").display(),
            configuration(directory.path(), address.port())
        );
        std::fs::write(directory.path().join("haproxy.cfg"), text).unwrap();
        let master = spawn(directory.path());
        let mut haproxy = Self { directory, address, master };
        haproxy.ready().await;
        haproxy
    }

    /// Ends it as if its machine had, until [`Self::again`].
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        let _ = self.master.wait();
    }

    pub(crate) async fn again(&mut self) {
        self.master = spawn(self.directory.path());
        self.ready().await;
    }

    async fn ready(&mut self) {
        let haproxy = self;
        let began = Instant::now();
        // The master understands signals only after its worker serves.
        while haproxy.loaded() == 0 || tokio::net::TcpStream::connect(haproxy.address).await.is_err() {
            let log = haproxy.log();
            assert!(haproxy.master.try_wait().unwrap().is_none(), "{log}");
            assert!(began.elapsed() < Duration::from_mins(1), "{log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// With the printed configuration for `routes`.
    pub(crate) async fn printed(routes: &str) -> Self {
        Self::start(|directory, port| {
            let table = parse(routes).unwrap();
            let map = directory.join("pyairtable.map").to_str().unwrap().to_owned();
            let measure = directory.join("measure.sock").to_str().unwrap().parse().unwrap();
            let options = Options { share: Share::NONE, port, map: map.clone(), measure, key: None };
            std::fs::write(map, print::print(Product::HaproxyMap, &table, &options).unwrap()).unwrap();
            print::print(Product::Haproxy, &table, &options).unwrap()
        })
        .await
    }

    fn signal(&self, name: &str) {
        let _ = Command::new("kill").arg(format!("-{name}")).arg(self.master.id().to_string()).status();
    }

    /// Starts a new worker, and waits until the commands go there. The one that leaves may still take a connection.
    pub(crate) async fn reload(&self) {
        let (before, loaded) = (self.pid().await, self.loaded());
        let began = Instant::now();
        let mut signalled = None;
        while self.loaded() == loaded || self.pid().await == before {
            assert!(began.elapsed() < Duration::from_mins(1), "no new worker: {}", self.log());
            // A master that is still busy with the last reload forgets signals.
            if signalled.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(2)) {
                self.signal("USR2");
                signalled = Some(Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }

    /// How often a worker was started.
    fn loaded(&self) -> usize {
        self.log().matches("Loading success").count()
    }

    async fn pid(&self) -> Option<String> {
        let info = self.say("show info").await?;
        info.lines().find_map(|line| line.strip_prefix("Pid: ")).map(str::to_owned)
    }

    /// Says something to HAProxy itself.
    pub(crate) async fn say(&self, command: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::UnixStream::connect(self.socket()).await.ok()?;
        stream.write_all(format!("{command}\n").as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer.trim().to_owned())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("admin.sock")
    }

    /// Who answers a person now.
    pub(crate) async fn side(&self, authorization: &str) -> String {
        Sender::new(self.address).send("GET", authorization).await.unwrap().1
    }
}

/// A driver that runs until dropped, as if it were killed.
pub(crate) struct Driven {
    socket: PathBuf,
    tasks: Vec<JoinHandle<()>>,
    pub(crate) driver: Arc<Driver>,
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Driven {
    /// By threshold, for the printed configuration.
    pub(crate) async fn by_threshold(haproxy: &Haproxy, routes: &str) -> Result<Self, String> {
        let map = haproxy.directory.path().join("pyairtable.map");
        let threshold = print::threshold(&parse(routes).unwrap(), map.to_str().unwrap().to_owned(), map).unwrap();
        let measure = haproxy.directory.path().join("measure.sock").to_str().unwrap().parse().unwrap();
        // The driver before it may be on its way out.
        let began = Instant::now();
        let measure = loop {
            match Measure::at(&measure).await {
                Ok(measure) => break measure,
                Err(error) => assert!(began.elapsed() < Duration::from_mins(1), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Self::start(haproxy, Mode::Threshold(threshold), Some(measure)).await
    }

    /// By the weights of the servers in the backend `users`.
    pub(crate) async fn by_weights(haproxy: &Haproxy, state: bool) -> Result<Self, String> {
        let weights = Weights {
            backends: [("users".to_owned(), "users".to_owned())].into(),
            platform: "platform".to_owned(),
            state: state.then(|| haproxy.directory.path().join("state")),
        };
        Self::start(haproxy, Mode::Weights(weights), None).await
    }

    async fn start(haproxy: &Haproxy, mode: Mode, measure: Option<Measure>) -> Result<Self, String> {
        let parts = Parts {
            address: haproxy.socket().to_str().unwrap().parse().unwrap(),
            mode,
            kept: haproxy.directory.path().join("kept.json"),
            clock: Arc::new(SystemClock),
            guard: None,
            measure,
        };
        let driver = Driver::start(parts).await.map_err(|error| error.to_string())?;
        let socket = haproxy.directory.path().join("control.sock");
        let listener = socket::bind(&socket).unwrap();
        let tasks = vec![
            tokio::spawn(Arc::clone(&driver).serve(listener)),
            tokio::spawn(Arc::clone(&driver).watch()),
            tokio::spawn(Arc::clone(&driver).measure()),
        ];
        Ok(Self { socket, tasks, driver })
    }

    pub(crate) async fn control(&self, command: &str, mut body: Value) -> Answer {
        body["who"] = json!("ada");
        body["why"] = json!("a test");
        if body.get("family").is_none() {
            body["family"] = json!("all");
        }
        ask(&self.socket, command, Some(&body)).await.unwrap()
    }

    pub(crate) async fn set(&self, share: &str) {
        let answer = self.control("/set", json!({ "share": share })).await;
        assert!(answer.done, "{}", answer.body);
    }

    pub(crate) async fn users(&self) -> Value {
        self.status().await["families"]["users"].clone()
    }

    pub(crate) async fn status(&self) -> Value {
        self.read("/status").await
    }

    pub(crate) async fn read(&self, path: &str) -> Value {
        ask(&self.socket, path, None).await.unwrap().body
    }

    pub(crate) async fn restored(&self) -> u64 {
        self.status().await["haproxy"]["restored"].as_u64().unwrap()
    }

    /// Waits until HAProxy was given back what it forgot. Who answers does not tell: [`Haproxy::reload`].
    pub(crate) async fn restores_after(&self, before: u64) {
        let began = Instant::now();
        while self.restored().await == before {
            assert!(began.elapsed() < Duration::from_mins(1), "not restored");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
