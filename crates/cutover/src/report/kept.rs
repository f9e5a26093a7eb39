//! What commands beside the run found, kept in its folder for the report.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::run::Folder;
use crate::{Result, backup, files, preflight};

/// The checks before a run: `preflight.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preflight {
    /// When.
    pub at: Timestamp,
    /// Whether a take-over could begin.
    pub ready: bool,
    /// What was found, the worst last.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name.
    pub check: String,
    /// `ok`, `warn` or `stop`.
    pub severity: String,
    /// What is so.
    pub fact: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The database beside the backup: `verification.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When.
    pub at: Timestamp,
    /// Whether every table held the same rows.
    pub equal: bool,
    /// Whether `SELECT COUNT(*)` said the same everywhere.
    pub equal_by_count: bool,
    /// How many changes of the change log were put on top of the backup first; nothing if it was the backup alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<i64>,
    /// Every table.
    pub tables: Vec<Compared>,
}

/// One table. Rows that differ are counted, not named: a report goes to more people than rows do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// `schema.table`
    pub table: String,
    /// Whether both hold the same.
    pub equal: bool,
    /// What it came to in the backup, with the changes since if they were put on top.
    pub before: String,
    /// What it came to then; nothing if it was gone or lacked a column.
    pub now: Option<String>,
    /// How many rows that were.
    pub count_before: u64,
    /// What it said then.
    pub count_now: Option<u64>,
    /// Rows that were named as different, if somebody asked for them.
    pub rows_named: usize,
}

/// Keeps what the checks found.
pub fn keep_preflight(folder: &Folder, at: Timestamp, found: &preflight::Report) -> Result<()> {
    let word = |severity| match severity {
        preflight::Severity::Ok => "ok",
        preflight::Severity::Warn => "warn",
        preflight::Severity::Stop => "stop",
    };
    let checks = found.checks.iter().map(|one| Check {
        check: one.check.to_owned(),
        severity: word(one.severity).to_owned(),
        fact: one.fact.clone(),
        remedy: one.remedy.clone(),
    });
    folder.make()?;
    files::replace_json(&folder.preflight(), &Preflight { at, ready: found.ready, checks: checks.collect() })
}

/// Keeps what comparing the database with the backup came to.
/// `changes` of the change log were put on top of the backup for that; none, and it was compared with the backup alone.
pub fn keep_verification(folder: &Folder, at: Timestamp, found: &backup::Verdict, changes: Option<i64>) -> Result<()> {
    let tables = found.tables.iter().map(|one| Compared {
        table: one.table.clone(),
        equal: one.equal,
        before: one.before.clone(),
        now: one.now.clone(),
        count_before: one.count_before,
        count_now: one.count_now,
        rows_named: one.rows.len(),
    });
    let (equal, equal_by_count) = (found.equal, found.equal_by_count);
    let found = Verification { at, equal, equal_by_count, changes, tables: tables.collect() };
    files::replace_json(&folder.verification(), &found)
}
