//! The edition with faults: at a tenth of the people, under load, one kind after the other, each found and taken back by
//! the gateway itself, while `cutover run` moves the traffic.
//!
//! Three kinds are real: the process is stopped, killed again and again, or loses its connections to the database. The
//! others are made by a proxy before it. A leak of memory itself is none of them: no gate looks at memory, and what it does to
//! latency is what is tried.

mod between;
mod kinds;

use std::fs::File;
use std::process::Child;
use std::time::{Duration, Instant};

pub use self::kinds::Kind;

use self::between::Between;
use crate::outcome::{Fault, Outcome, Section};
use crate::scenario::AFTER_THAW;
use crate::stage::{Error, Options, RETURNED, Stage, ended, now, shift};
use crate::world::{Front, ROLE};

/// A tenth for longer than any fault takes to be found.
const STEPS: &str = "10%:600s:unless-failing,100%:600s:unless-failing";
const SHIFT: [&str; 10] = shift(STEPS);
/// A tenth is served well for so long before something breaks.
const SETTLED: Duration = Duration::from_secs(5);
/// A fault that is not found by then is not found.
const PATIENCE: Duration = Duration::from_mins(1);
/// Nobody is on the new side any more when nobody has come for so long.
const QUIET: Duration = Duration::from_millis(1500);
/// What is good enough.
const GOOD: Duration = Duration::from_secs(10);
/// Enough to learn from two thousand reads at three hundred requests a second.
const LEARNING: Duration = Duration::from_secs(12);

/// A fault and what became of it.
struct Found {
    kind: Kind,
    because: String,
    /// From the fault to the last request on the new side; nothing if it was not found.
    after: Option<Duration>,
    harmed: u64,
    window: Fault,
}

/// Tries the kinds out, one after the other.
pub async fn faults(options: &Options, kinds: &[Kind]) -> Result<Outcome, Error> {
    let between = Between::start().await?;
    let mut stage = Box::pin(Stage::open(options, Some(between.address))).await?;
    between.to(stage.world.platform);
    let mut all = Vec::new();
    stage.phase("backup, trial restore, expansion", async |stage| stage.must(&["cutover", "run"])).await?;
    stage.phase("this program starts beside them", async |stage| Ok(stage.world.start_platform(&[]).await?)).await?;
    if options.front == Front::Gateway {
        stage.phase("the shadow learns and compares", async |stage| learned(stage).await).await?;
    }
    for kind in kinds {
        let name = format!("fault: {}", kind.name());
        stage
            .phase(&name, async |stage| {
                all.push(tried(stage, &between, *kind).await?);
                Ok(())
            })
            .await?;
    }
    let ended = stage.close().await?;
    let windows: Vec<Fault> = all.iter().map(|found| found.window).collect();
    let mut outcome = Outcome::of(ended, &windows, options);
    for found in &mut all {
        let failed = outcome.harmed.iter().filter(|failure| found.window.harmed(failure)).count() as u64;
        found.harmed = found.harmed.max(failed);
    }
    outcome.refuted |= all.iter().any(|found| found.after.is_none_or(|after| after > GOOD));
    outcome.sections.push(table(&all));
    Ok(outcome)
}

fn table(all: &[Found]) -> Section {
    let row = |found: &Found| {
        let after = found.after.map_or_else(|| "never".to_owned(), |after| format!("{:.1}", after.as_secs_f64()));
        vec![found.kind.name().to_owned(), found.because.clone(), after, found.harmed.to_string()]
    };
    Section {
        title: "Faults at 10 %",
        head: &["fault", "detected by", "seconds", "harmed"],
        rows: all.iter().map(row).collect(),
    }
}

/// As a run does it before traffic moves; and as a run leaves it, the shadow is on while shares rise.
async fn learned(stage: &Stage) -> Result<(), Error> {
    stage.order(&["shadow", "learn", "--rate", "100%"], "learning noise")?;
    tokio::time::sleep(LEARNING).await;
    stage.order(&["shadow", "start", "--rate", "100%", "--anyway"], "before any fault")?;
    tokio::time::sleep(SETTLED).await;
    let report = stage.ask("/shadow").await?;
    match report["differences"].as_array().map(Vec::as_slice) {
        None | Some([]) => Ok(()),
        Some(found) => Err(Error::Differ(format!("{found:?}"))),
    }
}

async fn tried(stage: &mut Stage, between: &Between, kind: Kind) -> Result<Found, Error> {
    let log = stage.world.folder().join(format!("fault-{}.log", kind.name()));
    let mut tool = stage.command(&SHIFT).stderr(File::create(&log)?).spawn()?;
    if let Err(error) = stage.until_share("10%", &SHIFT, &mut tool).await {
        stage.say(&std::fs::read_to_string(&log)?)?;
        return Err(error);
    }
    tokio::time::sleep(SETTLED).await;
    if let Some(status) = tool.try_wait()? {
        stage.say(&std::fs::read_to_string(&log)?)?;
        return Err(ended(&SHIFT, status));
    }
    let (from, began) = (now(), Instant::now());
    let broken = Broken::begin(stage, between, kind).await?;
    let found = broken.until_gone(stage, between, &mut tool, began).await?;
    let harmed = between.touched();
    let window = Fault { from, to: now() };
    broken.mend(stage, between).await?;
    stage.order(&["thaw"], "it is mended")?;
    tokio::time::sleep(AFTER_THAW).await;
    let because = because(&std::fs::read_to_string(&log)?);
    Ok(Found { kind, because, after: found, harmed, window })
}

/// What the tool says brought the traffic back.
fn because(log: &str) -> String {
    let said = log.lines().find_map(|line| line.split_once("by itself: ")).map_or("nothing", |(_, reason)| reason);
    said.split(';').next().unwrap_or(said).chars().take(90).collect()
}

/// A fault that lasts.
struct Broken {
    kind: Kind,
    /// Connections that others hold.
    held: Vec<tokio_postgres::Client>,
}

impl Broken {
    async fn begin(stage: &Stage, between: &Between, kind: Kind) -> Result<Self, Error> {
        let mut held = Vec::new();
        match kind {
            Kind::Hang => stage.world.signal_platform("STOP"),
            Kind::Pool => held = taken(stage).await?,
            _ => {}
        }
        between.fail(Some(kind));
        Ok(Self { kind, held })
    }

    /// Until the tool says that traffic is back, and nobody comes any more. The time of the last request since the fault.
    async fn until_gone(
        &self,
        stage: &mut Stage,
        between: &Between,
        tool: &mut Child,
        began: Instant,
    ) -> Result<Option<Duration>, Error> {
        loop {
            if self.kind == Kind::CrashLoop {
                stage.world.kill_platform();
                stage.world.spawn_platform(&[]).await?;
                tokio::time::sleep(Duration::from_millis(700)).await;
            }
            if let Some(status) = tool.try_wait()? {
                if status.code() != Some(RETURNED) {
                    return Err(ended(&SHIFT, status));
                }
                break;
            }
            if began.elapsed() > PATIENCE {
                let _ = tool.kill();
                let _ = tool.wait();
                stage.order(&["return"], "nobody found it")?;
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Until nobody has come for a while: families that went back later than the first are waited for.
        let told = Instant::now();
        while told.elapsed() < QUIET || between.last().is_some_and(|last| last.elapsed() < QUIET) {
            if began.elapsed() > PATIENCE {
                return Ok(None);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Some(between.last().map_or(Duration::ZERO, |last| last.saturating_duration_since(began))))
    }

    async fn mend(self, stage: &mut Stage, between: &Between) -> Result<(), Error> {
        between.fail(None);
        match self.kind {
            Kind::Hang => stage.world.signal_platform("CONT"),
            Kind::CrashLoop => stage.world.start_platform(&[]).await?,
            Kind::Pool => {
                drop(self.held);
                let sql = format!("ALTER ROLE {ROLE} CONNECTION LIMIT -1");
                stage.world.connect().await?.batch_execute(&sql).await?;
            }
            _ => {}
        }
        Ok(stage.world.until_well().await?)
    }
}

/// Takes all connections that the new side's role may have.
async fn taken(stage: &Stage) -> Result<Vec<tokio_postgres::Client>, Error> {
    const ALL: usize = 4;
    let database = stage.world.connect().await?;
    database.batch_execute(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT {ALL}")).await?;
    let mut held = Vec::new();
    for _ in 0..100 {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1
            AND application_name <> 'rehearsal'";
        database.query(end, &[&ROLE]).await?;
        while held.len() < ALL {
            match stage.world.connect_as(ROLE).await {
                Ok(client) => held.push(client),
                Err(_) => break,
            }
        }
        if held.len() == ALL {
            break;
        }
    }
    Ok(held)
}
