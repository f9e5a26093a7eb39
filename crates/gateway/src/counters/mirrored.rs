//! Reads that the shadow asked the new side after the old one had answered them well, and how many of them failed there.
//!
//! Nobody waits for these answers, so they are in no sum of requests: they are evidence about a side that gets few.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds kept of them.
const KEPT: usize = 60;

/// Mirrored reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mirrored {
    /// How many.
    pub asked: u64,
    /// Of these, those that the new side answered with 500 or more, or not at all.
    pub failed: u64,
}

impl Mirrored {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.asked += other.asked;
        self.failed += other.failed;
    }
}

/// Those of one family since the start.
#[derive(Debug, Default)]
pub(super) struct Atomic {
    asked: AtomicU64,
    failed: AtomicU64,
}

impl Atomic {
    pub(super) fn count(&self, has_failed: bool) {
        self.failed.fetch_add(u64::from(has_failed), Ordering::Relaxed);
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Mirrored {
        Mirrored { asked: self.asked.load(Ordering::Relaxed), failed: self.failed.load(Ordering::Relaxed) }
    }
}

/// Second by second, as the meter keeps them.
#[derive(Debug, Default)]
pub(super) struct MirroredSeries {
    now: Mirrored,
    seconds: VecDeque<Mirrored>,
}

impl MirroredSeries {
    pub(super) fn tick(&mut self, now: Mirrored) {
        let Mirrored { asked, failed } = self.now;
        self.seconds
            .push_back(Mirrored { asked: now.asked.saturating_sub(asked), failed: now.failed.saturating_sub(failed) });
        self.now = now;
        if self.seconds.len() > KEPT {
            self.seconds.pop_front();
        }
    }

    /// The last `seconds`, the newest first.
    pub(super) fn last(&self, seconds: usize) -> impl Iterator<Item = Mirrored> {
        self.seconds.iter().rev().take(seconds).copied()
    }
}
