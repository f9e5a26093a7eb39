//! What a report says, as data: `report.json`. Markdown and HTML show this and nothing else.
//!
//! The names of fields are an interface: they are added and never change their meaning. Times are UTC, durations are
//! seconds, latencies milliseconds, sizes bytes.

use std::collections::BTreeMap;

use gateway::control::history::Entry as Change;
use gateway::shadow;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Rehearsal;
use super::kept::{Preflight, Verification};
use crate::backup::{Archive, FileSum};
use crate::discover::Discovery;
use crate::shift::ShareStep;
use crate::shift::series::{Measured, Second};

/// The version of this format.
pub const FORMAT: u32 = 1;

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`FORMAT`] of the program that made it.
    pub format: u32,
    /// When it was made; nothing else in it depends on that.
    pub generated_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// What the run is about.
    pub run: Run,
    /// What came of it.
    pub verdict: Verdict,
    /// What cannot be shown, and why.
    pub remarks: Vec<String>,
    /// Each step with its attempts.
    pub steps: Vec<Step>,
    /// Each tool that held the run.
    pub sessions: Vec<Session>,
    /// What happened, in order.
    pub timeline: Vec<Event>,
    /// What traffic did while it was moved, if that was recorded.
    pub traffic: Option<Traffic>,
    /// Each change of a share, with who and why, as the gateway tells it.
    pub changes: Vec<Change>,
    /// Each decision to go on, to hold or to go back, with everything that was known.
    pub decisions: Vec<Decision>,
    /// What was checked before.
    pub preflight: Option<Preflight>,
    /// What stood in the database at the beginning. What is measured of each table stands in `backup`.
    pub discovery: Option<Found>,
    /// The backup and its trial.
    pub backup: Option<Backup>,
    /// Statements that brought the schema to the new program's.
    pub expansion: Vec<Statement>,
    /// Comparing the database with the backup, as it was done last.
    pub verification: Option<Verification>,
    /// What was undone.
    pub rollbacks: Vec<Rollback>,
    /// What the shadow had found when it was asked last.
    pub shadow: Option<Shadow>,
    /// What a rehearsal measured from outside.
    pub rehearsal: Option<Rehearsal>,
    /// What this report stands on.
    pub signature: Signature,
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: String,
    /// The database.
    pub database: String,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// When the first tool took it.
    pub began_at: Option<Timestamp>,
    /// The last record of its journal.
    pub ended_at: Option<Timestamp>,
    /// Versions of the program that worked on it.
    pub programs: Vec<String>,
    /// Shares that were planned.
    pub shares: Vec<ShareStep>,
    /// Folders and files that were archived with the backup.
    pub archive: Vec<String>,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Planned, and nothing else.
    Planned,
    /// A tool works on it.
    Running,
    /// Everything before traffic is done.
    Prepared,
    /// Everybody is on the new side.
    TakenOver,
    /// Stopped in order.
    Paused,
    /// The gateway took the traffic back.
    Returned,
    /// Undone.
    RolledBack,
    /// A check refused.
    Refused,
    /// Compared and found to differ.
    Differs,
    /// Something failed that was not foreseen.
    Failed,
    /// The last tool ended without a word.
    Lost,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// In one word.
    pub state: State,
    /// In one sentence.
    pub sentence: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The largest share of people on the new side now, as far as is known.
    pub share: Option<String>,
    /// Times that traffic went back by itself.
    pub returns: usize,
    /// Rows that were found to differ from what was dumped, by the trial restore; nothing if it was not tried.
    pub rows_differ: Option<u64>,
    /// Requests counted while traffic was moved, on both sides.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Seconds that steps took, pauses between attempts left out.
    pub seconds: f64,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Done,
    /// It had been done before.
    Already,
    /// A check refused.
    Refused,
    /// It failed.
    Failed,
    /// The gateway took the traffic back meanwhile.
    Returned,
    /// Stopped in order.
    Stopped,
    /// The tool ended without a word.
    Lost,
    /// Under way.
    Running,
    /// Undone.
    Undone,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// `open`, `begun` or `finished`.
    pub state: String,
    /// What it came to.
    pub facts: BTreeMap<String, Value>,
    /// Each time it was begun.
    pub attempts: Vec<Attempt>,
}

/// One attempt at a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The step.
    pub step: String,
    /// When it was begun.
    pub began_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not get to its end.
    pub error: Option<String>,
    /// Each statement and call, in order.
    pub calls: Vec<Called>,
}

/// A statement or call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Called {
    /// When it was announced.
    pub at: Timestamp,
    /// Seconds until the next record of the journal: itself, and what follows without a record.
    pub seconds: f64,
    /// In words.
    pub what: String,
}

/// A tool that held the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Process and machine.
    pub holder: String,
    /// The fencing token.
    pub token: u64,
    /// The version of the program.
    pub program: String,
    /// When it took the run.
    pub opened_at: Timestamp,
    /// When it was heard of last.
    pub ended_at: Timestamp,
    /// Its exit code; nothing if it ended without a word, or holds the run now.
    pub exit: Option<u8>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// How long it took, if it took time.
    pub seconds: Option<f64>,
    /// `session`, `step`, `undo`, `pause`, `share`, `return`, `hold` or `journal`.
    pub kind: String,
    /// How it ended, of a step.
    pub outcome: Option<Outcome>,
    /// In a few words.
    pub title: String,
    /// The rest.
    pub detail: Option<String>,
}

/// What traffic did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Each family, and `all` if there are several.
    pub families: BTreeMap<String, Curve>,
}

/// One family's traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Seconds that were recorded. There are fewer points after a long run: each is the sum of several.
    pub recorded: usize,
    /// Point by point. Of a point of several seconds the p99 is that of the worst.
    pub points: Vec<Second>,
    /// What the old side answered.
    pub old: Sums,
    /// What the new side answered.
    pub new: Sums,
}

/// Sums over the whole run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Of these, answered with 400 to 499.
    pub client_errors: u64,
}

/// What was decided about a share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// By which step.
    pub step: String,
    /// `confirm`, `return` or `hold`.
    pub what: String,
    /// The share it was about.
    pub share: String,
    /// Why, if something spoke for or against it.
    pub reason: Option<String>,
    /// What was measured and what the gates said, by family.
    pub families: BTreeMap<String, Measured>,
}

/// What stood in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Everything but how its tables are measured.
    #[serde(flatten)]
    pub discovery: Discovery,
    /// Rows in all tables.
    pub rows: u64,
}

/// The backup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// When its snapshot was taken.
    pub made_at: Timestamp,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// The same as the journal knows it; both are equal if nobody changed the manifest.
    pub journal_sha256: Option<String>,
    /// The exported snapshot that everything was read from.
    pub snapshot: String,
    /// The schema's fingerprint.
    pub fingerprint: String,
    /// The programs that made it.
    pub tools: Vec<String>,
    /// Seconds that it took.
    pub seconds: Option<f64>,
    /// All files together.
    pub bytes: u64,
    /// All rows together.
    pub rows: u64,
    /// Every file.
    pub files: Vec<FileSum>,
    /// Every table.
    pub tables: Vec<TableSum>,
    /// How far sequences had come.
    pub sequences: BTreeMap<String, i64>,
    /// Large objects.
    pub large_objects: u64,
    /// Archived folders.
    pub archives: Vec<Archive>,
    /// The trial restore, if it passed.
    pub trial: Option<Trial>,
}

/// A table as it was dumped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSum {
    /// `schema.table`
    pub table: String,
    /// What `SELECT COUNT(*)` says.
    pub count: u64,
    /// Two 64-bit sums of hashes of all its rows.
    pub digest: String,
    /// Whether the restored table came to the same; nothing if it was not tried.
    pub restored: Option<bool>,
}

/// A backup that was restored and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// When it was over.
    pub at: Timestamp,
    /// Whether it was this backup.
    pub of_this: bool,
    /// Tables that were compared.
    pub tables: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Seconds that it took.
    pub seconds: Option<f64>,
}

/// A statement of the expansion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// When it was begun.
    pub at: Timestamp,
    /// How long it took, waiting for locks included.
    pub seconds: f64,
    /// The text.
    pub sql: String,
    /// How often it did not get its lock and was tried again.
    pub waited: u64,
    /// Who was in the way at last.
    pub why: Option<String>,
}

/// Something was undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// Whether it got to its end.
    pub whole: bool,
    /// What was undone, in order.
    pub steps: Vec<String>,
}

/// The shadow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// When it was asked.
    pub at: Timestamp,
    /// What it said.
    pub report: shadow::Report,
}

/// What a report stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The checksum of the journal's last record, which contains those of all before.
    pub chain_head: String,
    /// How many records.
    pub records: usize,
    /// SHA-256 of these records as they stand in the file.
    pub journal_sha256: String,
    /// Where they end, in bytes.
    pub journal_bytes: usize,
    /// SHA-256 of every other file that the report was made from.
    pub files: BTreeMap<String, String>,
}
