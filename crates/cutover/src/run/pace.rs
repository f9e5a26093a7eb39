//! How long something still takes, said only when it can be known.

use std::time::{Duration, Instant};

/// Measures how fast something goes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    began: Instant,
    total: u64,
    done: u64,
}

impl Pace {
    /// Begins now; `total` is how much there is to do, 0 if nobody knows.
    pub fn of(total: u64) -> Self {
        Self { began: Instant::now(), total, done: 0 }
    }

    /// So much is done. It never becomes less, nor more than there is.
    pub fn reached(&mut self, done: u64) -> u64 {
        self.done = self.done.max(if self.total == 0 { done } else { done.min(self.total) });
        self.done
    }

    /// What is left at the pace so far; `None` before a hundredth and half a second are over.
    pub fn left(&self) -> Option<Duration> {
        left(self.began.elapsed(), self.done, self.total)
    }
}

fn left(elapsed: Duration, done: u64, total: u64) -> Option<Duration> {
    if total == 0 || done.saturating_mul(100) < total || done == 0 || elapsed < Duration::from_millis(500) {
        return None;
    }
    let rest = u128::from(total.saturating_sub(done));
    let millis = elapsed.as_millis() * rest / u128::from(done);
    Some(Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Pace, left};

    #[test]
    fn rest_is_what_the_pace_so_far_says() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(10), 25, 100), Some(seconds(30)));
        assert_eq!(left(seconds(10), 100, 100), Some(seconds(0)));
        assert_eq!(left(seconds(10), 9, 1000), None, "too early to tell");
        assert_eq!(left(Duration::from_millis(100), 50, 100), None, "too early to tell");
        assert_eq!(left(seconds(10), 50, 0), None, "nobody knows how much there is");
    }

    #[test]
    fn progress_never_goes_back() {
        let mut pace = Pace::of(100);
        assert_eq!([pace.reached(40), pace.reached(30), pace.reached(130)], [40, 40, 100]);
    }
}
