//! A deployment on one machine: PostgreSQL, Redis, stand-ins for the old services on generated rows, a gateway in front of
//! them, and this program beside them. All are processes, so that they can be killed, frozen and measured like real ones.

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use db::DatabaseUrl;
use db::local::{Durability, LocalPostgres, Options};
use gateway::control::client;
use testkit::TestRedis;

/// The key of access tokens. Nothing of this world is real.
pub const JWT_SECRET: &str = "a-secret-of-the-rehearsal-0123456789abcdef";
/// Longer than any part takes to start, apart from making rows.
const READY: Duration = Duration::from_mins(1);
/// The old services' ports follow each other.
const OLD_SERVICES: u16 = 5;

/// What could not be started, and why.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The local PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] db::local::LocalError),
    /// Files of the world.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    /// One of the programs.
    #[error("{name} {why}; its log {log} ends with\n{tail}")]
    Program {
        /// Which.
        name: &'static str,
        /// What became of it.
        why: &'static str,
        /// Where it wrote to.
        log: PathBuf,
        /// What it wrote last.
        tail: String,
    },
    /// Statements of the rehearsal's own.
    #[error("the database: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// A connection.
    #[error(transparent)]
    Connect(#[from] db::Error),
}

/// What to build.
pub struct Plan {
    /// This program, in a build with the stand-ins.
    pub program: PathBuf,
    /// Where everything is kept; empty or not there yet.
    pub folder: PathBuf,
    /// How many people; everything else of the rows follows from that.
    pub people: u32,
    /// `PATH`, in which PostgreSQL's programs are looked for.
    pub path: Option<std::ffi::OsString>,
}

/// Everything that runs. Ends with this value.
pub struct World {
    plan: Plan,
    /// The old services, from auth on.
    pub old: SocketAddr,
    /// What clients talk to.
    pub gateway: SocketAddr,
    /// Where this program serves, once it does.
    pub platform: SocketAddr,
    platform_process: Option<Process>,
    _gateway: Process,
    _old: Process,
    redis: TestRedis,
    postgres: LocalPostgres,
}

impl World {
    /// Starts all but this program itself.
    pub fn start(plan: Plan) -> Result<Self, Error> {
        std::fs::create_dir_all(&plan.folder).map_err(|error| Error::File(plan.folder.clone(), error))?;
        let mut options = Options::new(plan.folder.join("postgres"), Durability::Durable);
        options.search_path.clone_from(&plan.path);
        options.shared_buffers_mib = 256;
        options.max_connections = 200;
        let postgres = LocalPostgres::start(&options)?;
        let redis = TestRedis::start_durable();
        let (old, gateway, platform) = (consecutive(OLD_SERVICES), free(), free());
        let database = url_of(&postgres);
        let mut command = plan.command();
        command.args(["legacy-stand-in", "--bearer", "--jwt-secret", JWT_SECRET, "--database-url", &database]);
        command.args(["--redis-url", &redis.url_of(0), "--port-base", &old.port().to_string()]);
        command.args(["--generate", &plan.people.to_string()]);
        // Making rows is what takes long.
        let patience = READY + Duration::from_millis(2) * plan.people;
        let old_process = Process::start("the old services", &plan.folder, command, patience, old, "/health")?;
        let routes = plan.folder.join("routes.yaml");
        std::fs::write(&routes, routes_of(old, platform)).map_err(|error| Error::File(routes.clone(), error))?;
        let mut command = plan.command();
        command.args(["gateway", "serve", "--listen", &gateway.to_string(), "--routes"]).arg(&routes);
        command.arg("--socket").arg(plan.folder.join("gateway.sock"));
        command.arg("--state").arg(plan.folder.join("gateway.json")).env("JWT_SECRET", JWT_SECRET);
        let gateway_process =
            Process::start("the gateway", &plan.folder, command, READY, gateway, "/api/v1/auth/health")?;
        Ok(Self {
            plan,
            old,
            gateway,
            platform,
            platform_process: None,
            _gateway: gateway_process,
            _old: old_process,
            redis,
            postgres,
        })
    }

    /// The database, for its superuser.
    pub fn database(&self) -> String {
        url_of(&self.postgres)
    }

    /// The Redis that both sides share.
    pub fn redis(&self) -> String {
        self.redis.url_of(0)
    }

    /// The gateway's control socket.
    pub fn control(&self) -> PathBuf {
        self.plan.folder.join("gateway.sock")
    }

    /// A connection that sees everything.
    pub async fn connect(&self) -> Result<tokio_postgres::Client, Error> {
        Ok(DatabaseUrl::from_config(self.postgres.config()).connect().await?)
    }

    /// Starts this program beside the old services, with more environment. The schema must have been expanded.
    pub async fn start_platform(&mut self, environment: &[(&str, &str)]) -> Result<(), Error> {
        let client = self.connect().await?;
        client.batch_execute(OWN_ROLE).await?;
        let mut command = self.plan.command();
        let host = self.postgres.socket_dir().to_string_lossy().replace('/', "%2F");
        command.arg("serve").env("DATABASE_URL", format!("postgres://rehearsal_platform@{host}/postgres"));
        command.env("REDIS_URL", self.redis()).env("JWT_SECRET", JWT_SECRET).env("LEGACY_COEXISTENCE", "true");
        command.env("BIND_ADDRESS", "127.0.0.1").env("PORT", self.platform.port().to_string());
        command.env("INTERNAL_PORT", free().port().to_string());
        command.env("PLATFORM_DATA_DIR", self.plan.folder.join("platform"));
        // All clients come from one address here.
        for family in ["AUTH", "USERS", "WORKSPACES", "NOTIFICATIONS"] {
            command.env(format!("RATE_LIMIT_{family}"), "0");
        }
        command.envs(environment.iter().copied());
        let folder = &self.plan.folder;
        self.platform_process = Some(Process::start("the platform", folder, command, READY, self.platform, "/ready")?);
        self.until_well().await
    }

    /// Until the gateway, which asks every few seconds, has found the new side well.
    async fn until_well(&self) -> Result<(), Error> {
        let (began, socket) = (Instant::now(), self.control());
        let failed = |error| Error::File(self.control(), error);
        while began.elapsed() < READY {
            let status = client::ask(&socket, "/status", None).await.map_err(failed)?.body;
            if status["instances"][format!("http://{}", self.platform)] == "well" {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Error::File(socket, std::io::Error::other(format!("the gateway does not find {} well", self.platform))))
    }

    /// Kills this program as a crash would.
    pub fn kill_platform(&mut self) {
        self.platform_process = None;
    }

    /// This program with the words of a command, in the world's folder.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = self.plan.command();
        command.args(words).env("REDIS_URL", self.redis());
        command
    }
}

/// What serves people is no superuser, so that row-level security holds.
const OWN_ROLE: &str = "DO $$ BEGIN
    IF to_regrole('rehearsal_platform') IS NULL THEN
        CREATE ROLE rehearsal_platform LOGIN IN ROLE pyairtable_app, pyairtable_system;
    END IF; END $$";

impl Plan {
    /// This program, with nothing of the caller's settings.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().current_dir(&self.folder);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }
}

fn url_of(postgres: &LocalPostgres) -> String {
    format!("postgres://postgres@{}/postgres", postgres.socket_dir().to_string_lossy().replace('/', "%2F"))
}

/// Which service each family of paths belonged to. The old ones know them without the version.
fn routes_of(old: SocketAddr, platform: SocketAddr) -> String {
    let service = |number: u16| SocketAddr::new(old.ip(), old.port() + number);
    let routes = [
        ("auth", 0),
        ("users", 1),
        ("workspaces", 2),
        ("projects", 2),
        ("airtable-bases", 2),
        ("audit-logs", 2),
        ("tenants", 3),
        ("notifications", 4),
    ];
    let route = |(path, number)| {
        format!(
            "- path: /api/v1/{path}/*\n  legacy:\n    instances: [http://{}]\n    strip: /api/v1\n    health: /health\n  \
             platform:\n    instances: [http://{platform}]\n    health: /ready\n",
            service(number)
        )
    };
    routes.map(route).concat()
}

/// A program that ends with this value.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts it and waits until it answers anything at `path`.
    fn start(
        name: &'static str,
        folder: &Path,
        mut command: Command,
        patience: Duration,
        address: SocketAddr,
        path: &str,
    ) -> Result<Self, Error> {
        let log = folder.join(format!("{}.log", name.replace(' ', "-")));
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.map_err(|error| Error::File(log.clone(), error))?;
        let copy = file.try_clone().map_err(|error| Error::File(log.clone(), error))?;
        let child = command.stdin(Stdio::null()).stdout(file).stderr(copy).spawn();
        let mut process = Self(child.map_err(|error| Error::File(command.get_program().into(), error))?);
        let began = Instant::now();
        let failed = |why| {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            let start = text.len().saturating_sub(2000);
            let tail = text.get(start..).unwrap_or(&text).to_owned();
            Err(Error::Program { name, why, log: log.clone(), tail })
        };
        while !answers(address, path) {
            if !matches!(process.0.try_wait(), Ok(None)) {
                return failed("ended by itself");
            }
            if began.elapsed() > patience {
                return failed("does not answer");
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(process)
    }
}

fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: rehearsal\r\nconnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok::<bool, std::io::Error>(head.starts_with(b"HTTP/1.1 ") && !head.ends_with(b"503"))
    };
    ask().unwrap_or(false)
}

/// A port that is free at the moment.
fn free() -> SocketAddr {
    consecutive(1)
}

/// The first of so many free ports in a row.
fn consecutive(many: u16) -> SocketAddr {
    loop {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let Ok(first) = first else { continue };
        let is_free = |number| {
            let port = first.port().checked_add(number);
            port.is_some_and(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
        };
        if (0..many).all(is_free) {
            return first;
        }
    }
}
