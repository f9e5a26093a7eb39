//! One line of the journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files::sha256;
use crate::run::Call;

/// The version of the format. It is raised only when an older program would misread a newer journal; kinds of records
/// and fields are added without.
pub const FORMAT: u32 = 1;

/// What stands before the first record.
pub(super) const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What happened or is about to happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The first record: what the rest is about.
    Head {
        /// [`FORMAT`] of the program that began it.
        format: u32,
        /// The run's id.
        run: String,
        /// The program's version.
        program: String,
    },
    /// A tool has taken the run.
    Opened {
        /// Who.
        holder: String,
        /// Its fencing token: greater than all before.
        token: u64,
        /// Its version.
        program: String,
    },
    /// The end of the file was no whole record and was cut off.
    Mended {
        /// How many bytes.
        bytes: u64,
        /// The file they were put in.
        kept: String,
    },
    /// A step is about to be done.
    Started {
        /// Its name.
        step: String,
    },
    /// A statement or call is about to be made.
    Calling {
        /// The step that makes it.
        step: String,
        /// What.
        call: Call,
    },
    /// Something a step must know when it is begun again.
    Noted {
        /// The step.
        step: String,
        /// Under which name.
        key: String,
        /// What.
        value: Value,
    },
    /// A step is done: its postcondition held.
    Finished {
        /// Its name.
        step: String,
        /// Whether it had been done before, so that nothing was done now.
        already: bool,
        /// What it came to, for the report.
        outcome: Value,
    },
    /// A step failed.
    Failed {
        /// Its name.
        step: String,
        /// Why.
        error: String,
    },
    /// A step's precondition did not hold; nothing was done.
    Refused {
        /// Its name.
        step: String,
        /// Why.
        error: String,
    },
    /// What an unfinished attempt left is about to be removed.
    Clearing {
        /// The step.
        step: String,
    },
    /// A step is about to be undone.
    Undoing {
        /// Its name.
        step: String,
    },
    /// A step is undone.
    Undone {
        /// Its name.
        step: String,
    },
    /// Waiting until somebody lets it go on.
    Paused {
        /// What was next.
        step: String,
    },
    /// Going on.
    Resumed {
        /// With what.
        step: String,
    },
    /// The tool has let the run go.
    Closed {
        /// Its exit code.
        exit: u8,
    },
    /// A kind that only a later program knows.
    #[serde(other)]
    Unknown,
}

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, from 0.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The checksum of the record before.
    pub prev: String,
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
}

/// How every line begins; torn lines are searched for it.
pub(super) const START: &[u8] = b"{\"seq\":";
const SUM: &str = ",\"sum\":\"";
/// `,"sum":"` and 64 digits and `"}`
const TAIL: usize = SUM.len() + 64 + 2;

impl Record {
    /// The line with its checksum: SHA-256 of everything before it, the checksum of the record before included.
    #[expect(clippy::expect_used, reason = "records have names, numbers and texts only")]
    pub(super) fn line(&self) -> (Vec<u8>, String) {
        let text = serde_json::to_string(self).expect("a record can be written as JSON");
        let body = text.strip_suffix('}').expect("a record is an object");
        let sum = sha256(body);
        (format!("{body}{SUM}{sum}\"}}\n").into_bytes(), sum)
    }

    /// A line without its end, if it is whole, and its checksum.
    pub(super) fn parse(line: &[u8]) -> Option<(Self, String)> {
        let line = std::str::from_utf8(line).ok()?;
        let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL)?)?;
        let sum = tail.strip_prefix(SUM)?.strip_suffix("\"}")?;
        if sha256(body) != sum {
            return None;
        }
        let record = serde_json::from_str(&format!("{body}}}")).ok()?;
        Some((record, sum.to_owned()))
    }
}

impl Entry {
    /// The step it is about.
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Started { step }
            | Self::Calling { step, .. }
            | Self::Noted { step, .. }
            | Self::Finished { step, .. }
            | Self::Failed { step, .. }
            | Self::Refused { step, .. }
            | Self::Clearing { step }
            | Self::Undoing { step }
            | Self::Undone { step }
            | Self::Paused { step }
            | Self::Resumed { step } => Some(step),
            Self::Head { .. } | Self::Opened { .. } | Self::Mended { .. } | Self::Closed { .. } | Self::Unknown => None,
        }
    }
}
