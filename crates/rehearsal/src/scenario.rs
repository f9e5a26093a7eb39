//! The take-over, tried out from beginning to end: by the commands that take a real deployment over, under load, with this
//! program killed on the way.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway::control::client;
use jiff::{SignedDuration, Timestamp};
use kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::ledger::Ledger;
use crate::load::{Account, Failure, Load, People, Rate, Report};
use crate::reconcile::{Reconciled, reconcile};
use crate::world::{self, JWT_SECRET, Plan, World};

/// How a command of the take-over ends when the gateway took the traffic back.
const RETURNED: i32 = 8;
/// Gates look back a minute: what failed before would be held against the new side again.
const GATES_REMEMBER: Duration = Duration::from_secs(62);
/// Workspaces in which people are at work.
const PLACES: i64 = 2000;

/// What to try out.
pub struct Options {
    /// This program, in a build with the stand-ins.
    pub program: PathBuf,
    /// Where everything is kept.
    pub folder: PathBuf,
    /// How many people the old services know.
    pub people: u32,
    /// Requests a second.
    pub per_second: u32,
    /// How long each share is held.
    pub hold: Duration,
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
}

/// A part of the rehearsal.
struct Phase {
    name: String,
    from: u64,
    to: u64,
}

/// How it went.
pub struct Outcome {
    report: Report,
    phases: Vec<Phase>,
    harmed: Vec<Failure>,
    failed: Vec<Failure>,
    reconciled: Reconciled,
    returned_after: Duration,
    took: Duration,
}

impl Outcome {
    /// Whether nobody was failed but by the fault, nothing was lost and nothing was done twice.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.reconciled.lost.is_empty() && self.reconciled.doubled.is_empty()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<34} {:>8} {:>9} {:>9} {:>9}", "phase", "seconds", "requests", "p50 ms", "p99 ms")?;
        let seconds = self.report.seconds();
        for Phase { name, from, to } in &self.phases {
            let in_it = |second: &&(u64, crate::load::Second)| (*from..*to).contains(&second.0);
            let requests: usize = seconds.iter().filter(in_it).map(|(_, second)| second.requests).sum();
            let [p50, p99] = [0.5, 0.99].map(|share| self.report.percentile(*from..*to, share));
            writeln!(f, "{name:<34} {:>8} {requests:>9} {p50:>9.1} {p99:>9.1}", to - from)?;
        }
        writeln!(
            f,
            "\nthe new side killed: traffic was back after {:.1} s, {} requests harmed by then",
            self.returned_after.as_secs_f64(),
            self.harmed.len()
        )?;
        writeln!(f, "ledger beside the tables: {}", self.reconciled)?;
        for Failure { at, kind, why } in self.failed.iter().take(20) {
            writeln!(f, "failed: {at} {kind:?}: {why}")?;
        }
        let Reconciled { lost, doubled, .. } = &self.reconciled;
        write!(
            f,
            "rehearsal: {} requests, {} failed, {} lost, {} doubled, {} seconds",
            self.report.total(),
            self.failed.len(),
            lost.len(),
            doubled.len(),
            self.took.as_secs()
        )
    }
}

struct Rehearsal {
    world: World,
    began: Instant,
    load_began: Instant,
    phases: Vec<Phase>,
}

/// Builds everything, takes it over, and looks at what became of it. Tells what it does on standard error.
pub async fn rehearse(options: Options) -> Result<Outcome, Error> {
    let began = Instant::now();
    say(began, &format!("starting PostgreSQL, Redis, old services with {} people, and a gateway", options.people))?;
    let Options { program, folder, people, per_second, hold, path, passwords } = options;
    let world = tokio::task::block_in_place(|| World::start(Plan { program, folder, people, path }))?;
    let database = world.connect().await?;
    let everybody = everybody(&database, &passwords).await?;
    let ledger = Arc::new(Ledger::default());
    let rate = Rate { per_second, writes: 20, workers: 64, seed: SystemClock.now().as_microsecond().unsigned_abs() };
    say(
        began,
        &format!("{per_second} requests a second from {} workspaces, one in five writes", everybody.places.len()),
    )?;
    let load = Load::start(world.gateway, everybody, rate, Arc::clone(&ledger));
    let mut rehearsal = Rehearsal { world, began, load_began: Instant::now(), phases: Vec::new() };

    rehearsal
        .phase("old services alone", async |_| {
            tokio::time::sleep(hold).await;
            Ok(())
        })
        .await?;
    let hold = hold.as_secs().max(1);
    let steps = [10, 50, 100].map(|share| format!("{share}%:{hold}s:unless-failing")).join(",");
    rehearsal.phase("backup, trial restore, expansion", async |rehearsal| rehearsal.must(&["cutover", "run"])).await?;
    rehearsal
        .phase("this program starts beside them", async |rehearsal| Ok(rehearsal.world.start_platform(&[]).await?))
        .await?;
    let shift = ["cutover", "run", "--gateway", "gateway.sock", "--soak", "2s", "--steps", &steps];
    let mut fault = (SystemClock.now(), SystemClock.now());
    rehearsal
        .phase("10 %, killed on the way", async |rehearsal| {
            let mut tool = rehearsal.command(&shift).spawn()?;
            rehearsal.until_anybody_is_there(&shift, &mut tool).await?;
            tokio::time::sleep(Duration::from_secs(hold) / 3).await;
            say(rehearsal.began, "kill -9 of this program")?;
            fault.0 = SystemClock.now();
            rehearsal.world.kill_platform();
            let status = tokio::task::block_in_place(|| tool.wait())?;
            fault.1 = SystemClock.now();
            if status.code() == Some(RETURNED) { Ok(()) } else { Err(ended(&shift, status)) }
        })
        .await?;
    rehearsal
        .phase("old services again", async |rehearsal| {
            rehearsal.world.start_platform(&[]).await?;
            tokio::time::sleep(GATES_REMEMBER).await;
            rehearsal.must(&[
                "gateway",
                "thaw",
                "--socket",
                "gateway.sock",
                "--who",
                "rehearsal",
                "--why",
                "it serves again",
            ])
        })
        .await?;
    rehearsal.phase("10, 50, 100 %", async |rehearsal| rehearsal.must(&shift)).await?;
    rehearsal
        .phase("this program alone", async |_| {
            tokio::time::sleep(Duration::from_secs(hold)).await;
            Ok(())
        })
        .await?;
    let report = load.stop().await;
    let reconciled = reconcile(&ledger, &database).await?;
    let (harmed, failed) = report.failures.iter().cloned().partition(|failure| is_within(fault, failure.at));
    let returned_after = Duration::try_from(fault.1.duration_since(fault.0)).unwrap_or_default();
    let phases = rehearsal.phases;
    Ok(Outcome { report, phases, harmed, failed, reconciled, returned_after, took: began.elapsed() })
}

/// Whether a request was under way while the fault lasted.
fn is_within((from, to): (Timestamp, Timestamp), at: Timestamp) -> bool {
    let margin = SignedDuration::from_secs(1);
    at >= from.checked_sub(margin).unwrap_or(from) && at <= to.checked_add(margin).unwrap_or(to)
}

async fn everybody(database: &tokio_postgres::Client, passwords: &[(String, String)]) -> Result<People, Error> {
    let mut people = People::from_tables(database, JWT_SECRET, PLACES, SystemClock.now()).await?;
    // The old side cannot log in whoever has a NULL among these (T-43).
    let sql = "SELECT u.email FROM users u WHERE u.is_active AND u.password_hash = $1 AND u.first_name IS NOT NULL
            AND u.last_name IS NOT NULL AND u.role IS NOT NULL AND u.email_verified IS NOT NULL
            AND u.created_at IS NOT NULL AND u.updated_at IS NOT NULL AND u.tenant_id IS NOT NULL AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = u.tenant_id AND (NOT t.is_active OR t.deleted_at IS NOT NULL))
        ORDER BY u.email LIMIT 20";
    for (password, hash) in passwords {
        for row in database.query(sql, &[hash]).await? {
            people.accounts.push(Account { email: row.get(0), password: password.clone() });
        }
    }
    Ok(people)
}

impl Rehearsal {
    async fn phase(&mut self, name: &str, work: impl AsyncFnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        say(self.began, name)?;
        let from = self.load_began.elapsed().as_secs();
        work(self).await?;
        let to = self.load_began.elapsed().as_secs().max(from + 1);
        self.phases.push(Phase { name: name.to_owned(), from, to });
        Ok(())
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = self.world.command(words);
        command.env("DATABASE_URL", self.world.database()).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn must(&self, words: &[&str]) -> Result<(), Error> {
        let mut child = self.command(words).spawn()?;
        let status = tokio::task::block_in_place(|| child.wait())?;
        if status.success() { Ok(()) } else { Err(ended(words, status)) }
    }

    /// Waits until the new side has a share of the people.
    async fn until_anybody_is_there(&self, words: &[&str], tool: &mut Child) -> Result<(), Error> {
        loop {
            if let Some(status) = tool.try_wait()? {
                return Err(ended(words, status));
            }
            let status = client::ask(&self.world.control(), "/status", None).await?.body;
            let families = status["families"].as_object();
            if families.is_some_and(|families| families.values().all(|family| family["share"] != json!("0%"))) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn ended(words: &[&str], status: ExitStatus) -> Error {
    Error::Command { command: format!("pyairtable-platform {}", words.join(" ")), status }
}

fn say(began: Instant, what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{:>7.1} s  {what}", began.elapsed().as_secs_f64())
}

/// For scripts: the same as JSON.
impl Outcome {
    /// Everything that is shown, by name.
    pub fn to_json(&self) -> Value {
        let phases = self.phases.iter().map(|Phase { name, from, to }| {
            let [p50, p99] = [0.5, 0.99].map(|share| self.report.percentile(*from..*to, share));
            json!({ "name": name, "from": from, "to": to, "p50_ms": p50, "p99_ms": p99 })
        });
        json!({
            "requests": self.report.total(),
            "by_kind": self.report.requests,
            "failed": self.failed,
            "harmed": self.harmed,
            "acknowledged": self.reconciled.acknowledged,
            "lost": self.reconciled.lost,
            "doubled": self.reconciled.doubled,
            "returned_after_seconds": self.returned_after.as_secs_f64(),
            "seconds": self.took.as_secs_f64(),
            "phases": phases.collect::<Vec<_>>(),
        })
    }
}
