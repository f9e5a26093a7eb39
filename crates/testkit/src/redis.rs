//! One Redis per test process, one logical database per test. Like the PostgreSQL of the tests it listens on a unix
//! socket in a directory of its own, and ends with the process that started it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A private Redis server. Stops when dropped, or with the process.
pub struct TestRedis {
    shell: Child,
    /// Never written to: the server lives until this end is closed, by a drop or by the kernel.
    alive: Option<ChildStdin>,
    socket: PathBuf,
}

/// Logical databases of a server, so many tests one process can have.
const DATABASES: u32 = 4096;
/// The shell outlives this process by the moment it takes to notice, whatever ended the process.
const RUN: &str = r#"redis-server --port 0 --unixsocket "$1/redis.sock" --databases "$2" --save '' --appendonly "$3" \
    --dir "$1" >"$1/redis.log" 2>&1 &
    read -r _
    kill -9 $!
    rm -rf "$1""#;

impl TestRedis {
    /// A server of the test's own, for tests that stop it.
    pub fn start() -> Self {
        Self::keeping("no")
    }

    /// One that keeps on disk what it is told, as one in production.
    pub fn start_durable() -> Self {
        Self::keeping("yes")
    }

    fn keeping(append_only: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("pyairtable-redis-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory for the test server");
        require("redis-server");
        let mut shell = Command::new("sh")
            .args(["-c", RUN, "redis-of-the-tests"])
            .arg(&directory)
            .arg(DATABASES.to_string())
            .arg(append_only)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let alive = shell.stdin.take();
        let redis = Self { shell, alive, socket: directory.join("redis.sock") };
        redis.wait(&directory);
        redis
    }

    /// The URL of an empty logical database on the server that all tests of this process share.
    pub fn url() -> String {
        static SERVER: OnceLock<TestRedis> = OnceLock::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        assert!(number < DATABASES, "more tests use Redis than it has databases");
        SERVER.get_or_init(Self::start).url_of(number)
    }

    /// The URL of one logical database.
    pub fn url_of(&self, database: u32) -> String {
        format!("redis+unix://{}?db={database}", self.socket.display())
    }

    fn wait(&self, directory: &Path) {
        let began = Instant::now();
        while std::os::unix::net::UnixStream::connect(&self.socket).is_err() {
            let log = || std::fs::read_to_string(directory.join("redis.log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_mins(1), "redis-server does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.shell.wait();
    }
}

fn require(program: &str) {
    match Command::new(program).arg("--version").stdout(Stdio::null()).status() {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{program} is missing: apt-get install redis-server");
        }
        Err(error) => panic!("{program}: {error}"),
    }
}
