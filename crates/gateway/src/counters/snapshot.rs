//! The counters as whoever watches gets them: a terminal, a page, a program.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::meter::Second;
use super::{Class, Meter, Series, Tally, millis};
use crate::forced::Side;
use crate::split::Share;

/// What happened lately, in every family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: Timestamp,
    /// Each family of paths by its name.
    pub families: BTreeMap<String, FamilySnapshot>,
}

/// What happened lately in one family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FamilySnapshot {
    /// The share of people on the new side, now.
    pub share: Share,
    /// Seconds for which it has been in force.
    pub share_seconds: u64,
    /// Requests the new side has answered since.
    pub share_requests: u64,
    /// Second by second, the newest last.
    pub points: Vec<Point>,
    /// Sums over the same seconds, by side and class; without those that had no requests.
    pub summaries: Vec<Summary>,
    /// Sums over at most the last 60 of these seconds, by endpoint; without those that had no requests.
    pub endpoints: Vec<EndpointSummary>,
}

/// One second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Its end.
    pub at: Timestamp,
    /// How long it really took; more than 1,000 on a busy machine.
    pub millis: u64,
    /// The share in force at its end.
    pub share: Share,
    /// What the old side answered in it.
    pub legacy: SidePoint,
    /// What the new side answered in it.
    pub platform: SidePoint,
}

/// What one side did in one second, over all classes but streams, whose answers have no end worth measuring.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SidePoint {
    /// Requests that ended.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Of these, answered with 400 to 499.
    pub client_errors: u64,
    /// Of these, left by their client before there was an answer.
    pub abandoned: u64,
    /// Answers that broke off.
    pub cut: u64,
    /// Streams that began.
    pub streams: u64,
    /// Milliseconds to the head of the answer, at the 50th, 95th and 99th percentile; nothing without requests.
    pub p50_ms: Option<f64>,
    /// See `p50_ms`.
    pub p95_ms: Option<f64>,
    /// See `p50_ms`.
    pub p99_ms: Option<f64>,
}

/// Sums over several seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Which side.
    pub side: Side,
    /// Which kind of requests.
    pub class: Class,
    /// Requests that ended.
    pub requests: u64,
    /// Of these, answered with 500 or more, or not at all.
    pub errors: u64,
    /// Of these, answered with 400 to 499.
    pub client_errors: u64,
    /// Waiting for their answer now.
    pub waiting: u64,
    /// Milliseconds to the head of the answer, at the 50th, 95th and 99th percentile; nothing without requests.
    pub p50_ms: Option<f64>,
    /// See `p50_ms`.
    pub p95_ms: Option<f64>,
    /// See `p50_ms`.
    pub p99_ms: Option<f64>,
}

/// Sums of one endpoint: requests, errors and client errors of either side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointSummary {
    /// Method and path, with `{id}` for ids.
    pub endpoint: String,
    /// Requests, errors and client errors of the old side.
    pub legacy: [u64; 3],
    /// Requests, errors and client errors of the new side.
    pub platform: [u64; 3],
}

impl Meter {
    /// The last `seconds`, as far as they are kept.
    pub fn snapshot(&self, seconds: usize, at: Timestamp) -> Snapshot {
        let families = self.families().map(|(name, series)| (name.to_owned(), family(series, seconds)));
        Snapshot { at, families: families.collect() }
    }

    /// The last `seconds` of all families together. The share is the largest of all.
    pub fn total(&self, seconds: usize) -> Vec<Point> {
        let mut together: BTreeMap<Timestamp, Vec<&Second>> = BTreeMap::new();
        for second in self.families().flat_map(|(_, series)| series.seconds(seconds)) {
            together.entry(second.at).or_default().push(second);
        }
        let skipped = together.len().saturating_sub(seconds);
        together.values().skip(skipped).map(|seconds| point(seconds)).collect()
    }
}

impl Series {
    /// The last `seconds`, as far as they are kept.
    pub fn points(&self, seconds: usize) -> Vec<Point> {
        self.seconds(seconds).map(|second| point(&[second])).collect()
    }

    /// Sums over the last `seconds`, as one point that lasts as long as they did.
    pub fn lately(&self, seconds: usize) -> Option<Point> {
        let seconds: Vec<&Second> = self.seconds(seconds).collect();
        let took: Duration = seconds.iter().map(|second| second.took).sum();
        let last = seconds.last()?;
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Some(Point { at: last.at, share: last.share, millis, ..point(&seconds) })
    }

    /// Requests the new side has answered since the share changed.
    pub fn requests_of_step(&self) -> u64 {
        Class::ALL.iter().map(|class| self.step(Side::Platform, *class).0).sum()
    }

    /// Sums over the last `seconds`, by side and class; without those that had no requests.
    pub fn summaries(&self, seconds: usize) -> Vec<Summary> {
        let mut sums: BTreeMap<(Side, Class), Tally> = BTreeMap::new();
        for second in self.seconds(seconds) {
            for (side, class) in Side::BOTH.into_iter().flat_map(|side| Class::ALL.map(|class| (side, class))) {
                second.add_to(side, &[class], sums.entry((side, class)).or_default());
            }
        }
        let summary = |((side, class), tally): ((Side, Class), Tally)| {
            let waiting = self.totals().of(side, class).waiting.iter().sum();
            (tally.requests > 0 || waiting > 0).then(|| Summary {
                side,
                class,
                requests: tally.requests,
                errors: tally.errors,
                client_errors: tally.client_errors,
                waiting,
                p50_ms: millis(&tally.latency, 500),
                p95_ms: millis(&tally.latency, 950),
                p99_ms: millis(&tally.latency, 990),
            })
        };
        sums.into_iter().filter_map(summary).collect()
    }

    /// Sums of endpoints over at most the last 60 of these seconds; without those that had no requests.
    pub fn endpoint_summaries(&self, seconds: usize) -> Vec<EndpointSummary> {
        let endpoints = self.endpoints(seconds).into_iter().filter(|endpoint| endpoint.sides != [[0; 3]; 2]);
        endpoints
            .map(|one| EndpointSummary { endpoint: one.name, legacy: one.sides[0], platform: one.sides[1] })
            .collect()
    }
}

fn family(series: &Series, seconds: usize) -> FamilySnapshot {
    FamilySnapshot {
        share: series.share(),
        share_seconds: series.seconds_of_step(),
        share_requests: series.requests_of_step(),
        points: series.points(seconds),
        summaries: series.summaries(seconds),
        endpoints: series.endpoint_summaries(seconds),
    }
}

/// What several families did in the same second.
fn point(seconds: &[&Second]) -> Point {
    let side = |side| {
        let (mut tally, mut streams) = (Tally::default(), Tally::default());
        for second in seconds {
            second.add_to(side, &[Class::Read, Class::Write], &mut tally);
            second.add_to(side, &[Class::Stream], &mut streams);
        }
        SidePoint {
            requests: tally.requests,
            errors: tally.errors + streams.errors,
            client_errors: tally.client_errors,
            abandoned: tally.abandoned,
            cut: tally.cut + streams.cut,
            streams: streams.begun,
            p50_ms: millis(&tally.latency, 500),
            p95_ms: millis(&tally.latency, 950),
            p99_ms: millis(&tally.latency, 990),
        }
    };
    let longest = seconds.iter().map(|second| second.took).max();
    Point {
        at: seconds.first().map_or(Timestamp::UNIX_EPOCH, |second| second.at),
        millis: longest.map_or(0, |took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        share: seconds.iter().map(|second| second.share).max().unwrap_or_default(),
        legacy: side(Side::Legacy),
        platform: side(Side::Platform),
    }
}
