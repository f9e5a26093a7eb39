//! What runs for the replay: the old services on one clone, this program on the other, a Redis for both. All end with the
//! tool, even if that is killed: a shell stands between, which reads from the tool and ends everything when that ends.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::process::{Child, ChildStdin, Command};
use url::Url;

use super::http::{Request, send};
use crate::{Error, Result};

/// How long something may take to start.
const READY: Duration = Duration::from_mins(2);
const LOOK: Duration = Duration::from_millis(50);
/// The old services' names, in the order of their ports.
pub const SERVICES: [&str; 5] = ["auth", "users", "workspaces", "tenants", "notifications"];

/// `$1` is run by a shell, `$2` gets the code it ended with. Everything is one process group, which gets five seconds to
/// end in order.
const GUARD: &str = r#"trap : TERM
    (sh -c "$1" </dev/null; echo $? >"$2") &
    read -r _
    kill -TERM 0
    tries=0
    while kill -0 $! 2>/dev/null && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
    kill -KILL 0"#;

/// A command and everything it started.
pub(super) struct Service {
    name: &'static str,
    guard: Child,
    alive: Option<ChildStdin>,
    log: PathBuf,
    code: PathBuf,
}

impl Service {
    /// Starts `line` with this environment; what it writes goes into a file in `folder`.
    pub(super) fn start(
        name: &'static str,
        line: &str,
        environment: &[(String, OsString)],
        clear: bool,
        path: Option<&OsString>,
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let code = folder.join(format!("{name}.code"));
        let _ = std::fs::remove_file(&code);
        let out = OpenOptions::new().create(true).append(true).open(&log).map_err(Error::file("create", &log))?;
        let copy = out.try_clone().map_err(Error::file("open", &log))?;
        let mut command = Command::new("sh");
        if clear {
            command.env_clear();
            if let Some(path) = path {
                command.env("PATH", path);
            }
        }
        command.args(["-c", GUARD, "pyairtable-parity", line]).arg(&code).envs(environment.iter().cloned());
        command.stdin(Stdio::piped()).stdout(out).stderr(copy).process_group(0);
        let failed = |error: std::io::Error| Error::Program {
            program: name.to_owned(),
            status: "not started".to_owned(),
            message: error.to_string(),
        };
        let mut guard = command.spawn().map_err(failed)?;
        let alive = guard.stdin.take();
        Ok(Self { name, guard, alive, log, code })
    }

    /// Waits until it answers anything but 503 at `path`.
    pub(super) async fn ready(&self, base: &Url, path: &str, stop: &AtomicBool) -> Result<()> {
        let began = Instant::now();
        while !answers(base, path).await {
            unless_stopped(stop)?;
            // A script that started everything in the background has ended well.
            let ended = std::fs::read_to_string(&self.code).ok().filter(|code| code.trim() != "0");
            if let Some(code) = ended {
                return Err(self.failed(&format!("ended with {}", code.trim())));
            }
            if began.elapsed() > READY {
                return Err(self.failed(&format!("{base}{path} does not answer")));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    fn failed(&self, status: &str) -> Error {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let message = format!("{}\n{}", self.log.display(), lines[lines.len().saturating_sub(10)..].join("\n"));
        Error::Program { program: format!("the {} side", self.name), status: status.to_owned(), message }
    }

    /// Ends it and everything it started.
    pub(super) async fn stop(mut self) {
        drop(self.alive.take());
        let _ = self.guard.wait().await;
        let _ = std::fs::remove_file(&self.code);
    }
}

/// An error if somebody wants it to stop.
pub(super) fn unless_stopped(stop: &AtomicBool) -> Result<()> {
    if !stop.load(Ordering::Relaxed) {
        return Ok(());
    }
    Err(Error::Program {
        program: "the comparison".to_owned(),
        status: "stopped".to_owned(),
        message: "its clones are dropped; the same command begins anew".to_owned(),
    })
}

async fn answers(base: &Url, path: &str) -> bool {
    let request = Request { method: "GET", path: path.to_owned(), headers: Vec::new(), body: None };
    matches!(send(base, &request).await, Ok(answer) if answer.status != 503)
}

/// Waits until somebody else has started services at these addresses.
pub(super) async fn wait_for(bases: &[Url], patience: Duration, stop: &AtomicBool) -> Result<()> {
    let began = Instant::now();
    for base in bases {
        while !answers(base, "/health").await {
            unless_stopped(stop)?;
            if began.elapsed() > patience {
                return Err(Error::refused(
                    format!("{base} does not answer"),
                    "start the old services on their clone with the environment that was printed, and run the same command again",
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}

/// The first of so many free ports in a row, below those that systems give out by themselves: one of those could be
/// somebody's outgoing connection by the time it is listened on. Where it begins to look differs from process to process.
pub(super) fn ports(many: u16) -> Result<u16> {
    const FIRST: u16 = 20_000;
    const RANGE: u32 = 12_000;
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    for attempt in 0..RANGE / 16 {
        let at = (std::process::id().wrapping_mul(16) + attempt * 16) % RANGE;
        let first = FIRST + u16::try_from(at).unwrap_or_default();
        if (first..first + many).all(is_free) {
            return Ok(first);
        }
    }
    Err(Error::refused(format!("there are no {many} free ports in a row"), "end something that listens on many ports"))
}

pub(super) fn local(port: u16) -> Result<Url> {
    Url::parse(&format!("http://127.0.0.1:{port}"))
        .map_err(|error| Error::refused(format!("port {port} makes no address: {error}"), "report this"))
}

/// A Redis of the replay's own, which keeps nothing on disk. Its URLs: for the old side, for the new one.
pub(super) async fn redis(folder: &Path, path: Option<&OsString>) -> Result<(Service, (String, String))> {
    let port = ports(1)?;
    let line = format!(
        "exec redis-server --port {port} --bind 127.0.0.1 --save '' --appendonly no --databases 2 --dir \"$FOLDER\""
    );
    let environment = [("FOLDER".to_owned(), folder.as_os_str().to_owned())];
    let service = Service::start("redis", &line, &environment, true, path, folder)?;
    let url = |database| format!("redis://127.0.0.1:{port}/{database}");
    let began = Instant::now();
    loop {
        let asked = async {
            let client = redis::Client::open(url(0))?;
            let mut connection = client.get_multiplexed_async_connection().await?;
            redis::cmd("PING").query_async::<String>(&mut connection).await
        };
        if asked.await.is_ok() {
            return Ok((service, (url(0), url(1))));
        }
        let ended = std::fs::read_to_string(&service.code).is_ok();
        if ended || began.elapsed() > READY {
            service.stop().await;
            return Err(Error::refused(
                "redis-server does not start here",
                "install it (Debian: `apt-get install redis-server`) or name two empty databases of one that may be \
                 written to: --redis redis://HOST:6379/14,redis://HOST:6379/15",
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}
