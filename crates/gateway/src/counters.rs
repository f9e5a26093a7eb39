//! What happened on each side of a family: requests, errors, and how long answers took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use serde::Serialize;

use crate::forced::Side;

/// Kinds of requests, which cost and fail in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// GET, HEAD and OPTIONS.
    Read,
    /// Everything else.
    Write,
}

impl Class {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// The class of a method.
    pub fn of(method: &Method) -> Self {
        if method.is_safe() { Self::Read } else { Self::Write }
    }
}

/// Eight buckets for each doubling of microseconds, so that a percentile is at most an eighth too high.
const BUCKETS: usize = 8 * 34;

#[derive(Debug)]
struct Cell {
    requests: AtomicU64,
    errors: AtomicU64,
    cut: AtomicU64,
    latency: Vec<AtomicU64>,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            requests: AtomicU64::default(),
            errors: AtomicU64::default(),
            cut: AtomicU64::default(),
            latency: (0..BUCKETS).map(|_| AtomicU64::default()).collect(),
        }
    }
}

fn bucket(latency: Duration) -> usize {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    let Some(doubling) = micros.checked_ilog2().and_then(|log| log.checked_sub(3)) else {
        return usize::try_from(micros).unwrap_or(0);
    };
    let within = usize::try_from((micros >> doubling) & 7).unwrap_or(0);
    (8 * (usize::try_from(doubling).unwrap_or(0) + 1) + within).min(BUCKETS - 1)
}

/// The largest latency of a bucket, in microseconds.
fn upper(bucket: usize) -> u64 {
    let (doubling, within) = (bucket / 8, u64::try_from(bucket % 8).unwrap_or(0));
    match doubling.checked_sub(1) {
        None => within,
        Some(doubling) => ((within + 9) << doubling) - 1,
    }
}

/// The counters of one family.
#[derive(Debug, Default)]
pub struct Counters([[Cell; 2]; 2]);

/// Some of the counters, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counted {
    /// Which side.
    pub side: Side,
    /// Which kind of requests.
    pub class: Class,
    /// Requests sent to this side.
    pub requests: u64,
    /// Of these, those without an answer and those answered with 500 or more.
    pub errors: u64,
    /// Answers that ended before their end.
    pub cut: u64,
    /// Milliseconds to the head of the answer, at the 50th, 90th and 99th percentile; nothing without requests.
    pub p50_ms: Option<f64>,
    /// See `p50_ms`.
    pub p90_ms: Option<f64>,
    /// See `p50_ms`.
    pub p99_ms: Option<f64>,
}

impl Counters {
    fn cell(&self, side: Side, class: Class) -> &Cell {
        &self.0[side as usize][class as usize]
    }

    pub(crate) fn answered(&self, side: Side, class: Class, failed: bool, latency: Duration) {
        let cell = self.cell(side, class);
        cell.requests.fetch_add(1, Ordering::Relaxed);
        cell.errors.fetch_add(u64::from(failed), Ordering::Relaxed);
        cell.latency[bucket(latency)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cut(&self, side: Side, class: Class) {
        self.cell(side, class).cut.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything counted so far.
    pub fn read(&self) -> Vec<Counted> {
        let mut all = Vec::with_capacity(4);
        for side in Side::BOTH {
            for class in Class::ALL {
                let cell = self.cell(side, class);
                let latency: Vec<u64> = cell.latency.iter().map(|count| count.load(Ordering::Relaxed)).collect();
                all.push(Counted {
                    side,
                    class,
                    requests: cell.requests.load(Ordering::Relaxed),
                    errors: cell.errors.load(Ordering::Relaxed),
                    cut: cell.cut.load(Ordering::Relaxed),
                    p50_ms: percentile(&latency, 50),
                    p90_ms: percentile(&latency, 90),
                    p99_ms: percentile(&latency, 99),
                });
            }
        }
        all
    }
}

/// Nothing, rather than a number, when nothing was counted: no data must not look like a fast service.
fn percentile(latency: &[u64], percent: u64) -> Option<f64> {
    let all: u64 = latency.iter().sum();
    let rank = (all * percent).div_ceil(100);
    let mut seen = 0;
    let bucket = latency.iter().position(|count| {
        seen += count;
        seen >= rank && seen > 0
    })?;
    Some(Duration::from_micros(upper(bucket)).as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Method;
    use proptest::prelude::*;

    use super::{Class, Counters, bucket, upper};
    use crate::forced::Side;

    #[test]
    fn percentiles_are_those_of_the_side_and_class_and_absent_without_requests() {
        let counters = Counters::default();
        for millis in 1..=100 {
            counters.answered(Side::Platform, Class::of(&Method::GET), millis > 95, Duration::from_millis(millis));
        }
        let read = counters.read();
        let platform = read.iter().find(|one| (one.side, one.class) == (Side::Platform, Class::Read)).unwrap();
        assert_eq!((platform.requests, platform.errors), (100, 5));
        assert!((50.0..57.0).contains(&platform.p50_ms.unwrap()) && (99.0..112.0).contains(&platform.p99_ms.unwrap()));
        assert!(read.iter().filter(|one| one.p50_ms.is_some()).count() == 1);
    }

    proptest! {
        #[test]
        fn bucket_holds_its_latency_within_an_eighth(micros in 0..1_u64 << 36) {
            let upper = upper(bucket(Duration::from_micros(micros)));
            prop_assert!(upper >= micros && upper <= micros + micros / 8, "{micros} in a bucket up to {upper}");
        }
    }
}
