//! A deployment on one machine: PostgreSQL, Redis, stand-ins for the old services on generated rows, a gateway in front of
//! them, and this program beside them. All are processes, so that they can be killed, frozen and measured like real ones.

mod front;
mod process;
mod rows;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use db::DatabaseUrl;
use db::local::{Durability, LocalPostgres, Options};
use gateway::control::client;
use serde_json::Value;
use testkit::legacy::Fault;
use testkit::{TestRedis, port};

pub use self::front::Front;
use self::process::Process;

/// The key of access tokens. Nothing of this world is real.
pub const JWT_SECRET: &str = "a-secret-of-the-rehearsal-0123456789abcdef";
/// Longer than any part takes to start.
const READY: Duration = Duration::from_mins(1);
/// The old services' ports follow each other.
const OLD_SERVICES: u16 = 5;
const INTENDED: &str = "intended.yaml";
/// Where the old services' own files are.
const OLD: &str = "old";
/// Where the rows are.
pub const DATABASE: &str = "pyairtable";

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
    /// Rows could not be made.
    #[error("rows of the old services: {0}")]
    Rows(String),
}

impl Error {
    #[expect(clippy::needless_pass_by_value, reason = "it is the end of it")]
    fn rows(fault: Fault) -> Self {
        Self::Rows(format!("{fault:?}"))
    }
}

/// What to build.
#[derive(Debug, Clone)]
pub struct Plan {
    /// This program, in a build with the stand-ins.
    pub program: PathBuf,
    /// Where everything is kept; empty or not there yet.
    pub folder: PathBuf,
    /// How many people; everything else of the rows follows from that.
    pub people: u32,
    /// `PATH`, in which PostgreSQL's programs are looked for.
    pub path: Option<std::ffi::OsString>,
    /// What the gateway asks in place of this program itself, if something stands between them.
    pub between: Option<SocketAddr>,
    /// Whether gates overlook slow answers, as on a machine that others use as well. Errors count as ever.
    pub patient: bool,
    /// What clients talk to.
    pub front: Front,
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
    _front: Vec<Process>,
    old_process: Option<Process>,
    redis: TestRedis,
    postgres: LocalPostgres,
}

impl World {
    /// Starts all but this program itself.
    pub async fn start(plan: Plan) -> Result<Self, Error> {
        std::fs::create_dir_all(&plan.folder).map_err(|error| Error::File(plan.folder.clone(), error))?;
        let postgres = Box::pin(filled(&plan)).await?;
        tokio::task::block_in_place(|| Self::start_on(postgres, plan))
    }

    fn start_on(postgres: LocalPostgres, plan: Plan) -> Result<Self, Error> {
        let redis = TestRedis::start_durable();
        let (old, gateway, platform) = (port::consecutive(OLD_SERVICES), port::free(), port::free());
        let database = url_of(&postgres);
        let old_process = start_old(&plan, &database, &redis.url_of(0), old)?;
        let routes = plan.folder.join("routes.yaml");
        let asked = plan.between.unwrap_or(platform);
        std::fs::write(&routes, routes_of(old, asked)).map_err(|error| Error::File(routes.clone(), error))?;
        write_environments(&plan.folder, &database, &redis.url_of(0))?;
        let front = front::start(&plan, &routes, gateway)?;
        Ok(Self {
            plan,
            old,
            gateway,
            platform,
            platform_process: None,
            _front: front,
            old_process: Some(old_process),
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

    /// The gateway's register of intended differences.
    pub fn intended(&self) -> PathBuf {
        self.plan.folder.join(INTENDED)
    }

    /// Where everything is kept.
    pub fn folder(&self) -> &Path {
        &self.plan.folder
    }

    /// A connection that sees everything.
    pub async fn connect(&self) -> Result<tokio_postgres::Client, Error> {
        connected(&config_of(&self.postgres)).await
    }

    /// The same as another role.
    pub async fn connect_as(&self, role: &str) -> Result<tokio_postgres::Client, Error> {
        let mut config = config_of(&self.postgres);
        config.user(role).application_name("rehearsal");
        connected(&config).await
    }

    /// The same to the server's own database, for what cannot be done inside ours.
    pub async fn connect_beside(&self) -> Result<tokio_postgres::Client, Error> {
        connected(&self.postgres.config()).await
    }

    /// Starts this program beside the old services, with more environment. The schema must have been expanded.
    pub async fn start_platform(&mut self, environment: &[(&str, &str)]) -> Result<(), Error> {
        self.spawn_platform(environment).await?;
        let began = Instant::now();
        while began.elapsed() < READY && !tokio::task::block_in_place(|| process::answers(self.platform, "/ready")) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.until_well().await
    }

    /// The same without waiting for it.
    pub async fn spawn_platform(&mut self, environment: &[(&str, &str)]) -> Result<(), Error> {
        // It gives its port back first.
        self.kill_platform();
        let client = self.connect().await?;
        client.batch_execute(OWN_ROLE).await?;
        let mut command = self.plan.command();
        let host = self.postgres.socket_dir().to_string_lossy().replace('/', "%2F");
        command.arg("serve").env("DATABASE_URL", format!("postgres://{ROLE}@{host}/{DATABASE}"));
        command.env("REDIS_URL", self.redis()).env("JWT_SECRET", JWT_SECRET).env("LEGACY_COEXISTENCE", "true");
        command.env("BIND_ADDRESS", "127.0.0.1").env("PORT", self.platform.port().to_string());
        command.env("INTERNAL_PORT", port::free().port().to_string());
        command.env("PLATFORM_DATA_DIR", self.plan.folder.join("platform"));
        // All clients come from one address here.
        for family in ["AUTH", "USERS", "WORKSPACES", "NOTIFICATIONS"] {
            command.env(format!("RATE_LIMIT_{family}"), "0");
        }
        command.envs(environment.iter().copied());
        self.platform_process = Some(Process::spawn("the platform", &self.plan.folder, command)?);
        Ok(())
    }

    /// Until the gateway, which asks every few seconds, has found the new side well.
    pub async fn until_well(&self) -> Result<(), Error> {
        let began = Instant::now();
        let asked = self.plan.between.unwrap_or(self.platform);
        while began.elapsed() < READY {
            // The driver of a proxy may have to start.
            if self.status().await.is_ok_and(|status| is_served(&status)) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let log = self.plan.folder.join("the-platform.log");
        Err(Error::File(log, std::io::Error::other(format!("the gateway does not find {asked} well"))))
    }

    /// What the gateway, or the driver, says about itself.
    pub async fn status(&self) -> Result<Value, Error> {
        let socket = self.control();
        let answer = client::ask(&socket, "/status", None).await;
        Ok(answer.map_err(|error| Error::File(socket, error))?.body)
    }

    /// Kills this program as a crash would.
    pub fn kill_platform(&mut self) {
        self.platform_process = None;
    }

    /// Sends a signal to this program, such as `STOP`.
    pub fn signal_platform(&self, signal: &str) {
        if let Some(process) = &self.platform_process {
            let _ = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
        }
    }

    /// Stops the old services, as whoever restores their database does.
    pub fn stop_old(&mut self) {
        self.old_process = None;
    }

    /// Starts them again where they were.
    pub fn start_old(&mut self) -> Result<(), Error> {
        self.old_process = Some(start_old(&self.plan, &self.database(), &self.redis(), self.old)?);
        Ok(())
    }

    /// This program.
    pub fn program(&self) -> &Path {
        &self.plan.program
    }

    /// A version of this program with the words of a command, in the world's folder.
    pub fn command(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = self.plan.command_of(program);
        command.args(words).env("REDIS_URL", self.redis());
        command
    }

    /// One of PostgreSQL's programs, connected to the database.
    pub fn postgres_program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.plan.folder).env("PGHOST", self.postgres.socket_dir());
        command.env("PGUSER", "postgres").env("PGDATABASE", DATABASE);
        if let Some(path) = &self.plan.path {
            command.env("PATH", path);
        }
        command
    }
}

/// Whether every route has somebody on the new side.
fn is_served(status: &Value) -> bool {
    let routes = status["routes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_well = |instance: &Value| status["instances"][instance.as_str().unwrap_or_default()] == "well";
    let is_served = |route: &Value| route["platform"].as_array().is_some_and(|all| all.iter().any(is_well));
    !routes.is_empty() && routes.iter().all(is_served)
}

/// What the old services were started with, in a folder for each, as a deployment keeps it.
fn write_environments(folder: &Path, database: &str, redis: &str) -> Result<(), Error> {
    for service in ["auth-service", "user-service", "workspace-service", "tenant-service", "notification-service"] {
        let folder = folder.join(OLD).join(service);
        std::fs::create_dir_all(&folder).map_err(|error| Error::File(folder.clone(), error))?;
        let text = format!("DATABASE_URL={database}\nREDIS_URL={redis}\nJWT_SECRET={JWT_SECRET}\n");
        let file = folder.join(".env");
        std::fs::write(&file, text).map_err(|error| Error::File(file.clone(), error))?;
    }
    Ok(())
}

/// What serves people is no superuser, so that row-level security holds.
pub(crate) const ROLE: &str = "rehearsal_platform";
const OWN_ROLE: &str = "DO $$ BEGIN
    IF to_regrole('rehearsal_platform') IS NULL THEN
        CREATE ROLE rehearsal_platform LOGIN IN ROLE pyairtable_app, pyairtable_system;
    END IF; END $$";

impl Plan {
    /// This program, with nothing of the caller's settings.
    fn command(&self) -> Command {
        self.command_of(&self.program)
    }

    fn command_of(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(&self.folder);
        if let Some(path) = &self.path {
            command.env("PATH", path);
        }
        command
    }
}

/// A server with rows, made while a crash would cost everything. From then on it is as durable as PostgreSQL is.
async fn filled(plan: &Plan) -> Result<LocalPostgres, Error> {
    let started = |durability| {
        let mut options = Options::new(plan.folder.join("postgres"), durability);
        options.search_path.clone_from(&plan.path);
        options.shared_buffers_mib = 512;
        options.max_connections = 200;
        tokio::task::block_in_place(|| LocalPostgres::start(&options))
    };
    let quick = started(Durability::ForTests)?;
    connected(&quick.config()).await?.batch_execute(&format!("CREATE DATABASE {DATABASE}")).await?;
    Box::pin(rows::make(&config_of(&quick), plan.people)).await?;
    tokio::task::block_in_place(|| quick.stop())?;
    Ok(started(Durability::Durable)?)
}

fn start_old(plan: &Plan, database: &str, redis: &str, first: SocketAddr) -> Result<Process, Error> {
    let mut command = plan.command();
    command.args(["legacy-stand-in", "--bearer", "--jwt-secret", JWT_SECRET, "--database-url", database]);
    command.args(["--redis-url", redis, "--port-base", &first.port().to_string()]);
    Process::start("the old services", &plan.folder, command, READY, first, "/health")
}

async fn connected(config: &tokio_postgres::Config) -> Result<tokio_postgres::Client, Error> {
    Ok(DatabaseUrl::from_config(config.clone()).connect().await?)
}

fn config_of(postgres: &LocalPostgres) -> tokio_postgres::Config {
    let mut config = postgres.config();
    config.dbname(DATABASE);
    config
}

fn url_of(postgres: &LocalPostgres) -> String {
    format!("postgres://postgres@{}/{DATABASE}", postgres.socket_dir().to_string_lossy().replace('/', "%2F"))
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
