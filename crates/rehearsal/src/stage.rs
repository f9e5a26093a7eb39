//! What every edition of the rehearsal begins and ends with: a world, load on it, phases, and the ledger beside the tables.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::control::client;
use jiff::Timestamp;
use kernel::{Clock as _, SystemClock};
use serde_json::Value;

use crate::ledger::Ledger;
use crate::load::{Account, Load, People, Rate, Report};
use crate::reconcile::{Reconciled, reconcile};
use crate::world::{self, Front, JWT_SECRET, Plan, World};

/// Workspaces in which people are at work.
const PLACES: i64 = 2000;
/// One in five requests writes.
const WRITES: u32 = 20;
/// Moving traffic through these shares, and nothing else.
pub(crate) const fn shift(steps: &str) -> [&str; 10] {
    ["cutover", "run", "--gateway", "gateway.sock", "--steps", steps, "--shadow", "none", "--soak", "1s"]
}

/// How a command of the take-over ends when the gateway took the traffic back.
pub(crate) const RETURNED: i32 = 8;
/// Longer than the gateway takes to do what it is told.
const OBEYED: Duration = Duration::from_mins(2);

/// What to try out, and on what.
#[derive(Debug, Clone)]
pub struct Options {
    /// This program, in a build with the stand-ins.
    pub program: PathBuf,
    /// The program that begins what is to be killed, if it is another version of it.
    pub begun_by: Option<PathBuf>,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// How many people the old services know.
    pub people: u32,
    /// Requests a second.
    pub per_second: u32,
    /// How long each share is held.
    pub hold: Duration,
    /// How long a human takes to notice that something is wrong.
    pub human: Duration,
    /// Whether gates overlook slow answers, as on a machine that others use as well.
    pub patient: bool,
    /// What clients talk to.
    pub front: Front,
    /// `PATH`
    pub path: Option<std::ffi::OsString>,
    /// Accounts that log in: addresses are looked up by these hashes.
    pub passwords: Vec<(String, String)>,
}

/// What could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A part of the deployment.
    #[error(transparent)]
    World(#[from] world::Error),
    /// A statement of the rehearsal's own.
    #[error("the database: {0}")]
    Database(#[from] tokio_postgres::Error),
    /// A command could not be started, or its output not be shown.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A command ended otherwise than it should.
    #[error("`{command}` ended with {status}; what it wrote stands above")]
    Command {
        /// The words of it.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// The sides differ before anything is broken.
    #[error("without any fault the sides differ: {0}")]
    Differ(String),
    /// The gateway did not do what it was to do.
    #[error("the gateway is at {is} and should be at {wanted}")]
    Share {
        /// What should be.
        wanted: String,
        /// What is.
        is: String,
    },
}

/// A part of the rehearsal, in whole seconds since the load began.
#[derive(Debug, Clone)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// A world under load.
pub(crate) struct Stage {
    pub(crate) world: World,
    begun_by: Option<PathBuf>,
    load: Load,
    ledger: Arc<Ledger>,
    began: Instant,
    load_began: Instant,
    phases: Vec<Phase>,
    busy: Option<f64>,
}

/// What there is to say when all is over.
pub(crate) struct Ended {
    pub(crate) report: Report,
    pub(crate) reconciled: Reconciled,
    pub(crate) phases: Vec<Phase>,
    /// Making rows, starting everything and comparing included.
    pub(crate) took: Duration,
    /// `15.14`
    pub(crate) postgres: String,
    /// How many others wanted a core before anything was started.
    pub(crate) busy: Option<f64>,
}

impl Stage {
    /// Builds everything and puts load on it. `between` is what the gateway asks in place of this program.
    pub(crate) async fn open(options: &Options, between: Option<std::net::SocketAddr>) -> Result<Self, Error> {
        let (began, busy) = (Instant::now(), busy());
        let Options { program, begun_by, folder, people, per_second, patient, front, path, passwords, .. } =
            options.clone();
        let front_name = front.name();
        say(
            began,
            &format!("making rows for {people} people; PostgreSQL, Redis, old services and a {front_name} start"),
        )?;
        let world = Box::pin(World::start(Plan { program, folder, people, path, between, patient, front })).await?;
        let database = world.connect().await?;
        let everybody = everybody(&database, &passwords).await?;
        let ledger = Arc::new(Ledger::default());
        let seed = SystemClock.now().as_microsecond().unsigned_abs();
        let rate = Rate { per_second, writes: WRITES, workers: 64, seed };
        let places = everybody.places.len();
        say(began, &format!("{per_second} requests a second from {places} workspaces, one in five writes"))?;
        let load = Load::start(world.gateway, everybody, rate, Arc::clone(&ledger));
        Ok(Self { world, begun_by, load, ledger, began, load_began: Instant::now(), phases: Vec::new(), busy })
    }

    /// Ends the load and looks at what became of it.
    pub(crate) async fn close(self) -> Result<Ended, Error> {
        let Self { world, load, ledger, began, phases, busy, .. } = self;
        let report = load.stop().await;
        say(began, "the ledger beside the tables")?;
        let database = world.connect().await?;
        let reconciled = reconcile(&ledger, &database).await?;
        let postgres = database.query_one("SHOW server_version", &[]).await?.get(0);
        Ok(Ended { report, reconciled, phases, took: began.elapsed(), postgres, busy })
    }

    /// Does a part of it, which has a line of its own in what is shown in the end.
    pub(crate) async fn phase(
        &mut self,
        name: &str,
        work: impl AsyncFnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.say(name)?;
        let from = self.load_began.elapsed().as_secs();
        work(self).await?;
        let to = self.load_began.elapsed().as_secs().max(from + 1);
        self.phases.push(Phase { name: name.to_owned(), from, to });
        Ok(())
    }

    pub(crate) fn say(&self, what: &str) -> io::Result<()> {
        say(self.began, what)
    }

    /// A command of this program on the world's database. What it writes to standard error is seen.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        self.of(self.world.program(), words)
    }

    /// A command that is to be killed, of the program that begins them.
    pub(crate) fn begun(&self, words: &[&str]) -> Command {
        self.of(self.begun_by.as_deref().unwrap_or_else(|| self.world.program()), words)
    }

    fn of(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = self.world.command(program, words);
        command.env("DATABASE_URL", self.world.database()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A command that must succeed.
    pub(crate) fn must(&self, words: &[&str]) -> Result<(), Error> {
        let status = tokio::task::block_in_place(|| self.command(words).status())?;
        if status.success() { Ok(()) } else { Err(ended(words, status)) }
    }

    /// An order to the gateway, by its command.
    pub(crate) fn order(&self, words: &[&str], why: &str) -> Result<(), Error> {
        self.must(&[&["gateway"], words, &["--socket", "gateway.sock", "--who", "rehearsal", "--why", why]].concat())
    }

    /// Waits for a command that must end in this way.
    pub(crate) fn ends(words: &[&str], tool: &mut Child, code: i32) -> Result<(), Error> {
        let status = tokio::task::block_in_place(|| tool.wait())?;
        if status.code() == Some(code) { Ok(()) } else { Err(ended(words, status)) }
    }

    /// The share of every family, if it is the same.
    pub(crate) async fn share(&self) -> Result<String, Error> {
        self.of_families("share").await
    }

    /// The share of every family that comes back when nobody watches, if it is the same.
    pub(crate) async fn safe(&self) -> Result<String, Error> {
        self.of_families("safe").await
    }

    async fn of_families(&self, key: &str) -> Result<String, Error> {
        let status = self.world.status().await?;
        let families = status["families"].as_object().into_iter().flatten();
        let mut all: Vec<&str> = families.filter_map(|(_, family)| family[key].as_str()).collect();
        all.sort_unstable();
        all.dedup();
        Ok(all.join(" and "))
    }

    /// What the gateway answers on its control socket.
    pub(crate) async fn ask(&self, path: &str) -> Result<Value, Error> {
        Ok(client::ask(&self.world.control(), path, None).await?.body)
    }

    /// Undoes the run, by its command, and lets it begin again.
    pub(crate) fn rolled_back(&self, code: i32) -> Result<(), Error> {
        let words = ["cutover", "rollback"];
        Self::ends(&words, &mut self.command(&words).spawn()?, code)
    }

    /// Waits until the gateway has everybody at this share, while `tool` works on it.
    pub(crate) async fn until_share(&self, share: &str, words: &[&str], tool: &mut Child) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            if let Some(status) = tool.try_wait()? {
                return Err(ended(words, status));
            }
            let is = self.share().await?;
            if is == share {
                return Ok(());
            }
            if began.elapsed() > OBEYED {
                return Err(Error::Share { wanted: share.to_owned(), is });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) fn ended(words: &[&str], status: ExitStatus) -> Error {
    Error::Command { command: format!("pyairtable-platform {}", words.join(" ")), status }
}

fn say(began: Instant, what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{:>7.1} s  {what}", began.elapsed().as_secs_f64())
}

/// The load average of the last minute.
fn busy() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Now.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

async fn everybody(database: &tokio_postgres::Client, passwords: &[(String, String)]) -> Result<People, Error> {
    let mut people = People::from_tables(database, JWT_SECRET, PLACES, now()).await?;
    // The old side cannot log in whoever has a NULL among these (T-43).
    let sql = "SELECT u.email, u.password_hash FROM users u
        WHERE u.is_active AND u.password_hash = ANY ($1) AND u.first_name IS NOT NULL
            AND u.last_name IS NOT NULL AND u.role IS NOT NULL AND u.email_verified IS NOT NULL
            AND u.created_at IS NOT NULL AND u.updated_at IS NOT NULL AND u.tenant_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND (NOT t.is_active OR t.deleted_at IS NOT NULL))
        LIMIT 200";
    let hashes: Vec<&str> = passwords.iter().map(|(_, hash)| hash.as_str()).collect();
    for row in database.query(sql, &[&hashes]).await? {
        let (email, hash): (String, &str) = (row.get(0), row.get(1));
        if let Some((password, _)) = passwords.iter().find(|(_, known)| known == hash) {
            people.accounts.push(Account { email, password: password.clone() });
        }
    }
    Ok(people)
}
