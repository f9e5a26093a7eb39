//! What traffic did while it was moved, second by second: `series.jsonl` in the run's folder.
//!
//! The gateway forgets after a quarter of an hour; this is what the report draws its charts from. It is written with
//! one `write` a second and never synced: losing its end is harmless, and reading skips lines that are not whole.
//! Nothing here can fail a step: what cannot be recorded is missing, and the run goes on.
//!
//! What matters for deciding afterwards whether the run was right (confirmations, returns, what the gates said at
//! that moment) is not here but in the journal.

mod read;
mod recorder;

use std::time::Duration;

use gateway::control::history::Entry as Change;
use gateway::counters::SidePoint;
use gateway::shadow;
use gateway::split::Share;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::read::{Series, read, thin};
pub use self::recorder::{Measured, Recorder};
use super::Gateway;
use crate::run::Folder;

/// The name under which all families together are recorded. The gateway's commands use it for the same.
pub const ALL: &str = "all";

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// What one family did in one second, or in as many as `millis` say.
    Second(Second),
    /// A share that was changed, with who and why.
    Change(Change),
    /// What the shadow had found by then.
    Shadow {
        /// When it was asked.
        at: Timestamp,
        /// Its words.
        report: Box<shadow::Report>,
    },
    /// A kind that only a later program knows.
    #[serde(other)]
    Unknown,
}

/// One second of one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Second {
    /// The family, or [`ALL`].
    pub family: String,
    /// Its end.
    pub at: Timestamp,
    /// How long it took.
    pub millis: u64,
    /// The share of the new side in force at its end.
    pub share: Share,
    /// What the old side answered in it.
    pub old: Side,
    /// What the new side answered in it.
    pub new: Side,
}

/// What one side did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Of these, answered with 400 to 499.
    pub client_errors: u64,
    /// Milliseconds to the head of the answer at the 50th percentile; nothing without requests.
    pub p50_ms: Option<f64>,
    /// The same at the 95th.
    pub p95_ms: Option<f64>,
    /// The same at the 99th.
    pub p99_ms: Option<f64>,
}

impl From<SidePoint> for Side {
    fn from(point: SidePoint) -> Self {
        let SidePoint { requests, errors, client_errors, p50_ms, p95_ms, p99_ms, .. } = point;
        Self { requests, errors, client_errors, p50_ms, p95_ms, p99_ms }
    }
}

impl Side {
    /// Both together. Percentiles cannot be added: the median is weighed by requests, of the others the worst counts.
    fn and(self, other: Self) -> Self {
        let worst = |one: Option<f64>, two: Option<f64>| match (one, two) {
            (Some(one), Some(two)) => Some(one.max(two)),
            (one, two) => one.or(two),
        };
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let middle = match (self.p50_ms, other.p50_ms) {
            (Some(one), Some(two)) if self.requests + other.requests > 0 => {
                let (of_one, of_two) = (self.requests as f64, other.requests as f64);
                // Whole microseconds, like those it is made of.
                Some(((one * of_one + two * of_two) / (of_one + of_two) * 1e3).round() / 1e3)
            }
            (one, two) => one.or(two),
        };
        Self {
            requests: self.requests + other.requests,
            errors: self.errors + other.errors,
            client_errors: self.client_errors + other.client_errors,
            p50_ms: middle,
            p95_ms: worst(self.p95_ms, other.p95_ms),
            p99_ms: worst(self.p99_ms, other.p99_ms),
        }
    }
}

impl Second {
    /// Both together, the later one last; the share is the later one's.
    fn and(&self, later: &Self) -> Self {
        Self {
            family: self.family.clone(),
            at: later.at,
            millis: self.millis + later.millis,
            share: later.share,
            old: self.old.and(later.old),
            new: self.new.and(later.new),
        }
    }
}

/// Appends what the gateway reports to the series of the run in `folder`, once. For steps that look now and then, such as
/// once a minute: what happened since the last time becomes one line for each family, as far back as the gateway keeps it.
/// Whoever looks more often keeps a [`Recorder`].
pub async fn record(folder: &Folder, gateway: &Gateway) {
    Recorder::of(folder, gateway.clone(), Duration::from_mins(1)).now().await;
}
