//! The program as a process: started, spoken to over a socket, killed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running `pyairtable-platform serve` on its own local PostgreSQL.
pub(crate) struct Process {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    data: PathBuf,
}

impl Process {
    /// Starts it on `data` and waits until it is ready.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with more environment.
    pub(crate) fn start_with(data: &Path, environment: &[(&str, &str)]) -> Self {
        let (public, internal) = (testkit::port::free(), testkit::port::free());
        let log = std::fs::OpenOptions::new().create(true).append(true).open(data.join("test.log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_pyairtable-platform"))
            .arg("serve")
            .env("PLATFORM_DATA_DIR", data)
            .env("PORT", public.port().to_string())
            .env("INTERNAL_PORT", internal.port().to_string())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut process = Self { child, public, internal, data: data.to_owned() };
        let began = Instant::now();
        while request(process.public, "GET", "/ready", None).is_none_or(|(status, _)| status != 200) {
            assert!(process.child.try_wait().unwrap().is_none(), "it ended: {}", process.log());
            assert!(began.elapsed() < Duration::from_mins(2), "not ready: {}", process.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process id of its PostgreSQL.
    pub(crate) fn postgres(&self) -> u32 {
        let file = self.data.join("postgres/data/postmaster.pid");
        std::fs::read_to_string(file).unwrap().lines().next().unwrap().parse().unwrap()
    }

    /// Everything it wrote to its log and terminal.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.join("test.log")).unwrap_or_default()
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it ends by itself; returns its exit code and everything it wrote.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let began = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < Duration::from_mins(1), "it does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        (self.child.wait().unwrap().code(), self.log())
    }

    /// SIGTERM; returns its exit code and how long it took.
    pub(crate) fn terminate(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        signal(self.id(), "TERM");
        let status = self.child.wait().unwrap();
        (status.code(), began.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status().unwrap();
    assert!(status.success(), "kill -{name} {process}");
}

/// One request on a connection of its own; `None` when there was no whole answer.
pub(crate) fn request(to: SocketAddr, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
    request_with(to, method, path, &[], body)
}

/// The same with more headers.
pub(crate) fn request_with(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect_timeout(&to, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
    let body = body.map(Value::to_string).unwrap_or_default();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).unwrap_or(Value::Null)))
}
