//! How long answers took: eight buckets for each doubling of microseconds, so that a percentile is at most an eighth too
//! high. `hdrhistogram` would do the same with locks around it; these buckets are atomics, and a sum is an addition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Up to 19 hours.
pub(crate) const BUCKETS: usize = 8 * 34;

/// The bucket of a latency.
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

/// Buckets that everybody may count in at once.
#[derive(Debug)]
pub(super) struct Atomic(Box<[AtomicU64]>);

impl Default for Atomic {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Atomic {
    pub(super) fn record(&self, latency: Duration) {
        self.0[bucket(latency)].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_to(&self, histogram: &mut Histogram) {
        for (sum, count) in histogram.0.iter_mut().zip(&self.0) {
            *sum += count.load(Ordering::Relaxed);
        }
    }
}

/// How often each bucket was met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram([u64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        self.0[bucket(latency)] += 1;
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The latency that `per_mille` of 1,000 do not exceed. Nothing, rather than zero, when nothing was counted: no data
    /// must not look like a fast service.
    pub fn percentile(&self, per_mille: u64) -> Option<Duration> {
        let rank = (self.count() * per_mille).div_ceil(1000);
        let mut seen = 0;
        let bucket = self.0.iter().position(|count| {
            seen += count;
            seen >= rank && seen > 0
        })?;
        Some(Duration::from_micros(upper(bucket)))
    }

    /// How many took longer than `limit`. Those in the bucket of the limit itself did not.
    pub fn above(&self, limit: Duration) -> u64 {
        self.0[bucket(limit) + 1..].iter().sum()
    }

    /// All latencies together, at most an eighth too long.
    pub fn sum(&self) -> Duration {
        let micros = self.0.iter().enumerate().map(|(bucket, count)| upper(bucket).saturating_mul(*count));
        Duration::from_micros(micros.fold(0, u64::saturating_add))
    }

    /// Adds everything another one counted.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }

    /// What was counted since `before`.
    pub(super) fn since(&self, before: &Self) -> Few {
        let differences = self.0.iter().zip(before.0).enumerate().filter_map(|(bucket, (now, before))| {
            let count = now.saturating_sub(before);
            (count > 0).then(|| (u16::try_from(bucket).unwrap_or(u16::MAX), u32::try_from(count).unwrap_or(u32::MAX)))
        });
        Few(differences.collect())
    }
}

/// A histogram of a second, of which most buckets are empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Few(Box<[(u16, u32)]>);

impl Few {
    pub(super) fn add_to(&self, histogram: &mut Histogram) {
        for (bucket, count) in &self.0 {
            if let Some(sum) = histogram.0.get_mut(usize::from(*bucket)) {
                *sum += u64::from(*count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Histogram, bucket, upper};

    #[test]
    fn percentiles_are_absent_without_data_and_at_most_an_eighth_too_high() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(500), None);
        (1..=100).for_each(|millis| histogram.record(Duration::from_millis(millis)));
        let millis = |per_mille| histogram.percentile(per_mille).unwrap().as_millis();
        assert!(
            (50..57).contains(&millis(500)) && (99..112).contains(&millis(990)) && (100..113).contains(&millis(1000))
        );
        assert!((45..=50).contains(&histogram.above(Duration::from_millis(50))));
    }

    #[test]
    fn what_was_counted_since_is_what_was_counted_since() {
        let mut before = Histogram::default();
        before.record(Duration::from_millis(3));
        let mut now = before.clone();
        now.record(Duration::from_millis(3));
        now.record(Duration::from_secs(3));
        let mut sum = before.clone();
        now.since(&before).add_to(&mut sum);
        assert_eq!(sum, now);
    }

    proptest! {
        #[test]
        fn bucket_holds_its_latency_within_an_eighth(micros in 0..1_u64 << 36) {
            let upper = upper(bucket(Duration::from_micros(micros)));
            prop_assert!(upper >= micros && upper <= micros + micros / 8, "{micros} in a bucket up to {upper}");
        }
    }
}
