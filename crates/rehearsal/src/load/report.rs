//! What became of the requests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One workspace
    Workspace,
    /// The workspaces of a tenant
    Workspaces,
    /// The members of a workspace
    Members,
    /// The projects of a workspace
    Projects,
    /// One project
    Project,
    /// Whose a token is
    Validate,
    /// A workspace's description
    DescribeWorkspace,
    /// A new project
    MakeProject,
    /// A project's description
    DescribeProject,
    /// A project deleted
    DeleteProject,
    /// A new base
    ConnectBase,
    /// A new account
    Register,
    /// A log-in
    LogIn,
    /// A refresh token exchanged
    Refresh,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What it did.
    pub kind: Kind,
    /// When it was meant to start.
    pub intended: Instant,
    /// When its answer was there.
    pub ended: Instant,
    /// What was wrong with the answer.
    pub wrong: Option<String>,
}

/// A request that did not get what it should have.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// When it was meant to start.
    pub at: Timestamp,
    /// What it was.
    pub kind: Kind,
    /// What was wrong.
    pub why: String,
}

/// All that was meant to start within one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Second {
    /// Requests.
    pub requests: usize,
    /// Those that failed.
    pub failed: usize,
    /// Half of them took at most so many milliseconds.
    pub p50: f64,
    /// 99 of 100 took at most so many milliseconds.
    pub p99: f64,
}

/// The whole.
#[derive(Debug)]
pub struct Report {
    began: Instant,
    /// When it began.
    pub at: Timestamp,
    /// Requests by what they do.
    pub requests: BTreeMap<Kind, usize>,
    /// Those that failed, in the order they ended.
    pub failures: Vec<Failure>,
    latencies: BTreeMap<u64, Vec<(Duration, bool)>>,
}

impl Report {
    pub(super) const fn new(began: Instant, at: Timestamp) -> Self {
        Self { began, at, requests: BTreeMap::new(), failures: Vec::new(), latencies: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        let Outcome { kind, intended, ended, wrong } = outcome;
        *self.requests.entry(kind).or_default() += 1;
        let since = intended.saturating_duration_since(self.began);
        self.latencies.entry(since.as_secs()).or_default().push((ended - intended, wrong.is_some()));
        if let Some(why) = wrong {
            let at = self.at.checked_add(since).unwrap_or(self.at);
            self.failures.push(Failure { at, kind, why });
        }
    }

    /// Requests in all.
    pub fn total(&self) -> usize {
        self.requests.values().sum()
    }

    /// Second by second since the beginning, without those in which nothing was meant to start.
    pub fn seconds(&self) -> Vec<(u64, Second)> {
        let seconds = self.latencies.iter().map(|(second, all)| {
            let mut times: Vec<Duration> = all.iter().map(|(took, _)| *took).collect();
            times.sort_unstable();
            let failed = all.iter().filter(|(_, failed)| *failed).count();
            let [p50, p99] = [0.5, 0.99].map(|share| milliseconds(&times, share));
            (*second, Second { requests: times.len(), failed, p50, p99 })
        });
        seconds.collect()
    }

    /// The time that this share of the requests begun in these seconds stayed within, in milliseconds.
    pub fn percentile(&self, seconds: std::ops::Range<u64>, share: f64) -> f64 {
        let mut times: Vec<Duration> =
            self.latencies.range(seconds).flat_map(|(_, all)| all).map(|one| one.0).collect();
        times.sort_unstable();
        milliseconds(&times, share)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a rank among a few million"
)]
fn milliseconds(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
}
