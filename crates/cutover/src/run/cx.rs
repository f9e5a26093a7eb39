//! What every step works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use db::DatabaseUrl;
use jiff::Timestamp;
use kernel::{Clock, Rng};
use serde_json::Value;
use tokio_postgres::Client;

use super::programs::Tools;
use super::status::Progress;
use super::{Call, Folder, Holder, Lock, Pace, Plan, Wishes, control};
use crate::journal::{Entry, FORMAT, Journal, Record, Witness};
use crate::preflight::Surroundings;
use crate::{Error, Result, files, journal};

/// The version that journals name.
pub(super) const PROGRAM: &str = env!("CARGO_PKG_VERSION");
/// How often a waiting run looks whether it may go on.
const LOOK: Duration = Duration::from_millis(50);
/// How often the progress is written down for others.
const TELL: Duration = Duration::from_millis(250);

/// Somebody who looks on.
pub trait Watch {
    /// A step begins.
    fn begins(&self, step: &str, about: &str);
    /// How far it has come.
    fn progress(&self, progress: &Progress);
    /// It waits, and why.
    fn waits(&self, why: &str);
    /// It is done, or was before.
    fn ends(&self, step: &str, already: bool);
}

/// What a run is opened with.
pub struct Setup {
    /// Its folder.
    pub folder: Folder,
    /// The database.
    pub url: DatabaseUrl,
    /// What whoever begins it chose.
    pub wishes: Wishes,
    /// Whether to take it over from whoever holds it.
    pub take_over: bool,
    /// What this program is configured with.
    pub surroundings: Surroundings,
    /// Where PostgreSQL's client programs are.
    pub tools: Tools,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for the run's id.
    pub rng: Arc<dyn Rng>,
    /// Somebody who looks on.
    pub watch: Box<dyn Watch>,
    /// Set when the run should stop at the next possible moment.
    pub stop: Arc<AtomicBool>,
    /// Told of each record; for tests.
    pub witness: Option<Witness>,
}

/// An open run: what a step may use.
pub struct Cx {
    /// Where its files are.
    pub folder: Folder,
    /// What it is about.
    pub plan: Plan,
    /// The database.
    pub url: DatabaseUrl,
    /// What this program is configured with.
    pub surroundings: Surroundings,
    /// PostgreSQL's client programs.
    pub tools: Tools,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    journal: Journal,
    lock: Lock,
    watch: Box<dyn Watch>,
    stop: Arc<AtomicBool>,
    step: &'static str,
    pace: Option<(String, Pace)>,
    told: Option<Instant>,
    calls: Vec<Call>,
}

impl Cx {
    /// Opens the run, or begins it.
    pub async fn open(setup: Setup) -> Result<Self> {
        let Setup { folder, url, wishes, take_over, surroundings, tools, clock, rng, watch, stop, witness } = setup;
        let planned = Plan::read(&folder)?;
        if let Some(plan) = &planned {
            plan.fits(&folder, &url, &wishes).await?;
        }
        let after = greatest_token(journal::read(&folder.journal())?.records.as_slice());
        folder.make()?;
        let lock = Lock::take(&folder, &url, clock.as_ref(), after, take_over).await?;
        // Only now: somebody else may have planned meanwhile.
        let plan = if let Some(mut plan) = Plan::read(&folder)? {
            if plan.add(&wishes)? {
                files::replace_json(&folder.plan(), &plan)?;
            }
            plan
        } else {
            let mut plan = Plan::new(&url, &wishes, clock.as_ref(), rng.as_ref()).await?;
            if plan.old.is_some() && plan.environment.is_none() {
                // Made of theirs, beside everything else of the run.
                plan.environment =
                    Some(std::path::absolute(folder.environment()).map_err(Error::file("find", folder.path()))?);
            }
            files::replace_json(&folder.plan(), &plan)?;
            plan
        };
        let mut journal = Journal::open(&folder.journal(), Arc::clone(&clock), witness)?;
        if journal.records().is_empty() {
            let program = PROGRAM.to_owned();
            journal.append(Entry::Head { format: FORMAT, run: plan.run.clone(), program })?;
        }
        let Holder { token, .. } = lock.holder().clone();
        let holder = lock.holder().to_string();
        journal.append(Entry::Opened { holder, token, program: PROGRAM.to_owned() })?;
        Ok(Self {
            folder,
            plan,
            url,
            surroundings,
            tools,
            clock,
            rng,
            journal,
            lock,
            watch,
            stop,
            step: "",
            pace: None,
            told: None,
            calls: Vec::new(),
        })
    }

    /// Announces a call. What is announced must be done next, and nothing else. Reading is not written down.
    pub async fn call(&mut self, call: Call) -> Result<()> {
        if matches!(call, Call::Measure { .. }) {
            self.lock.check().await?;
        } else {
            self.append(Entry::Calling { step: self.step.to_owned(), call: call.clone() }).await?;
        }
        tracing::debug!(step = self.step, %call, "about to");
        self.calls.push(call);
        Ok(())
    }

    /// All calls since the run was opened.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// Announces and runs a statement on a session of this run.
    pub async fn execute(&mut self, client: &Client, database: &str, statement: &str) -> Result<()> {
        self.call(Call::sql(database, statement)).await?;
        client.batch_execute(statement).await.map_err(Error::sql(statement))
    }

    /// A session of this run.
    pub async fn connect(&self, database: Option<&str>) -> Result<Client> {
        self.lock.connect(database).await
    }

    /// Lets the database go, so that it can be renamed.
    pub(crate) async fn step_out(&mut self) -> Result<()> {
        self.lock.step_out().await
    }

    /// Takes the database that has the name now.
    pub(crate) async fn come_back(&mut self) -> Result<()> {
        self.lock.come_back().await
    }

    /// The name that sessions of this run carry.
    pub fn application_name(&self) -> String {
        self.lock.application_name()
    }

    /// The fencing token.
    pub fn token(&self) -> u64 {
        self.lock.holder().token
    }

    /// Keeps a fact that the step needs when it is begun again.
    pub async fn note(&mut self, key: &str, value: Value) -> Result<()> {
        let step = self.step.to_owned();
        self.append(Entry::Noted { step, key: key.to_owned(), value }).await
    }

    /// The fact that was noted last under this key by the step.
    pub fn noted(&self, key: &str) -> Option<&Value> {
        self.noted_by(self.step, key)
    }

    /// The fact that another step noted last under this key.
    pub fn noted_by(&self, other: &str, key: &str) -> Option<&Value> {
        self.journal.records().iter().rev().find_map(|record| match &record.entry {
            Entry::Noted { step, key: found, value } if step == other && found == key => Some(value),
            _ => None,
        })
    }

    /// What a step came to, if it was finished.
    pub fn outcome(&self, step: &str) -> Option<&Value> {
        self.journal.records().iter().rev().find_map(|record| match &record.entry {
            Entry::Finished { step: found, outcome, .. } if found == step => Some(outcome),
            _ => None,
        })
    }

    /// When a step was finished last, unless it was undone since.
    pub fn finished_at(&self, step: &str) -> Option<Timestamp> {
        let last = self.journal.records().iter().rev().find(|record| match &record.entry {
            Entry::Finished { step: found, .. } | Entry::Undone { step: found } => found == step,
            _ => false,
        })?;
        matches!(last.entry, Entry::Finished { .. }).then_some(last.at)
    }

    /// To be called between pieces of work: waits while somebody wants that, stops when asked to, and makes sure that
    /// nobody took the run over.
    pub async fn breathe(&mut self) -> Result<()> {
        let mut waiting = false;
        loop {
            self.lock.check().await?;
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::Paused { step: self.step.to_owned() });
            }
            let Some(pause) = control::asked(&self.folder) else { break };
            if !waiting {
                waiting = true;
                self.append(Entry::Paused { step: self.step.to_owned() }).await?;
            }
            self.wait(&format!("paused: {}; `pyairtable-platform cutover resume` goes on", pause.why));
            tokio::time::sleep(LOOK).await;
        }
        if waiting {
            self.append(Entry::Resumed { step: self.step.to_owned() }).await?;
        }
        Ok(())
    }

    /// Set when the run should stop.
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// How far a piece of work has come. `total` is 0 if nobody knows.
    pub fn progress(&mut self, what: &str, done: u64, total: u64) {
        if self.pace.as_ref().is_none_or(|(known, _)| known != what) {
            self.pace = Some((what.to_owned(), Pace::of(total)));
            self.told = None;
        }
        let Some((_, pace)) = &mut self.pace else { return };
        let done = pace.reached(done);
        let left = pace.left().map(|left| left.as_secs());
        self.tell(&Progress {
            step: self.step.to_owned(),
            what: what.to_owned(),
            done,
            total,
            seconds_left: left,
            waits: None,
        });
    }

    /// Why nothing goes on at the moment.
    pub fn wait(&mut self, why: &str) {
        self.watch.waits(why);
        let step = self.step.to_owned();
        let what = why.to_owned();
        self.tell(&Progress { step, what, done: 0, total: 0, seconds_left: None, waits: Some(why.to_owned()) });
    }

    fn tell(&mut self, progress: &Progress) {
        if progress.waits.is_none() {
            self.watch.progress(progress);
        }
        if self.told.is_some_and(|told| told.elapsed() < TELL) {
            return;
        }
        self.told = Some(Instant::now());
        // For whoever looks; the run does not depend on it.
        let _ = files::replace_json(&self.folder.progress(), progress);
    }

    pub(super) fn begin(&mut self, step: &'static str, about: &str) {
        self.step = step;
        self.pace = None;
        self.watch.begins(step, about);
    }

    pub(super) fn end(&mut self, already: bool) {
        self.watch.ends(self.step, already);
        let _ = std::fs::remove_file(self.folder.progress());
    }

    pub(super) fn records(&self) -> &[Record] {
        self.journal.records()
    }

    pub(super) async fn append(&mut self, entry: Entry) -> Result<()> {
        self.lock.check().await?;
        self.journal.append(entry)
    }

    /// The last word of this tool, whether or not it still holds the run.
    pub async fn close(mut self, exit: crate::Exit) {
        let _ = std::fs::remove_file(self.folder.progress());
        // Whoever lost the run has nothing to say in its journal.
        let _ = self.append(Entry::Closed { exit: exit.code() }).await;
    }
}

fn greatest_token(records: &[Record]) -> u64 {
    let tokens = records.iter().map(|record| if let Entry::Opened { token, .. } = record.entry { token } else { 0 });
    tokens.max().unwrap_or(0)
}
