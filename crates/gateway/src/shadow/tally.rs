//! How many reads the shadow took, and what became of them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
pub(super) struct Tallies {
    pub(super) sampled: Counter,
    pub(super) dropped: Counter,
    pub(super) too_large: Counter,
    pub(super) encoded: Counter,
    pub(super) unanswered: Counter,
    pub(super) learned: Counter,
    pub(super) compared: Counter,
    pub(super) equal: Counter,
    pub(super) intended: Counter,
    pub(super) noise: Counter,
    pub(super) different: Counter,
    pub(super) failed: Counter,
}

/// What became of the reads that were sampled, since the shadow was started or told to learn first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Reads that were to be mirrored.
    pub sampled: u64,
    /// Of these, not mirrored because the shadow was busy.
    pub dropped: u64,
    /// Of these, not compared because an answer is larger than 1 MiB.
    pub too_large: u64,
    /// Of these, not compared because the answer is compressed.
    pub encoded: u64,
    /// Of these, without an answer to the mirrored read within three seconds.
    pub unanswered: u64,
    /// Pairs of answers of one side, for noise.
    pub learned: u64,
    /// Pairs of answers of both sides.
    pub compared: u64,
    /// Of these, without any difference.
    pub equal: u64,
    /// Of these, with differences of the register only.
    pub intended: u64,
    /// Of these, with differences that are noise, or were gone when both were asked once more.
    pub noise: u64,
    /// Of these, with a difference that nothing excuses.
    pub different: u64,
    /// Reads that the old side answers well and that failed on the new one.
    #[serde(default)]
    pub failed: u64,
}

impl Tallies {
    pub(super) fn read(&self) -> Tally {
        Tally {
            sampled: self.sampled.get(),
            dropped: self.dropped.get(),
            too_large: self.too_large.get(),
            encoded: self.encoded.get(),
            unanswered: self.unanswered.get(),
            learned: self.learned.get(),
            compared: self.compared.get(),
            equal: self.equal.get(),
            intended: self.intended.get(),
            noise: self.noise.get(),
            different: self.different.get(),
            failed: self.failed.get(),
        }
    }
}
