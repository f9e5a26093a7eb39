//! How long to wait when the system refuses to accept connections.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Doubling pauses for a burst of failures, which ends with the first success.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause before the next attempt, and whether this failure begins a burst.
    pub(super) fn failed(&mut self) -> (Duration, bool) {
        let pause = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        (pause, self.failures == 1)
    }

    /// The failures of the burst that a success has ended, if there was one.
    pub(super) fn recovered(&mut self) -> Option<u32> {
        Some(std::mem::take(&mut self.failures)).filter(|failures| *failures > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_only_the_first_failure_is_news() {
        let mut backoff = Backoff::default();
        let burst: Vec<_> = (0..40).map(|_| backoff.failed()).collect();
        let millis: Vec<_> = burst.iter().map(|(pause, _)| pause.as_millis()).collect();
        assert_eq!(millis[..7], [50, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(millis[39], 1000);
        assert_eq!(burst.iter().filter(|(_, first)| *first).count(), 1);

        assert_eq!(backoff.recovered(), Some(40));
        assert_eq!(backoff.recovered(), None);
        assert_eq!(backoff.failed(), (SHORTEST, true));
    }
}
