//! Whether an instance is well: what requests met there, and what it says when asked.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// This many failures in a row and an instance is left out.
const FAILURES: u32 = 5;
/// Left out for this long at first, and twice as long each time it happens again.
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(1);
/// This many failed checks in a row make an instance unwell.
const CHECKS: u32 = 2;

#[derive(Debug, Clone, Copy)]
struct State {
    failures: u32,
    /// How often in a row it was left out.
    ejections: u32,
    ejected_until: Instant,
    failed_checks: u32,
}

/// What is known of an instance.
#[derive(Debug)]
pub(crate) struct Health(Mutex<State>);

/// How a request to an instance failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nobody answers there: the next request would fail too.
    Unreachable,
    /// No answer, or one that says that the instance cannot answer now.
    NoAnswer,
}

/// How an instance is, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It gets requests.
    Well,
    /// It failed too many in a row and is left out for a while.
    Ejected,
    /// It fails its checks.
    Unwell,
}

impl Health {
    /// Well until the first check: one that fails is enough for an instance that never was seen well.
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { failures: 0, ejections: 0, ejected_until: now, failed_checks: CHECKS - 1 }))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn condition(&self, now: Instant) -> Condition {
        let state = *self.state();
        if state.failed_checks >= CHECKS {
            Condition::Unwell
        } else if now < state.ejected_until {
            Condition::Ejected
        } else {
            Condition::Well
        }
    }

    pub(crate) fn is_well(&self, now: Instant) -> bool {
        self.condition(now) == Condition::Well
    }

    /// A request was answered.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.failures = 0;
        state.ejections = 0;
    }

    /// A request failed; says whether the instance is left out from now on.
    pub(crate) fn failed(&self, failure: Failure, now: Instant) -> bool {
        let mut state = self.state();
        state.failures += if failure == Failure::Unreachable { FAILURES } else { 1 };
        if state.failures < FAILURES || now < state.ejected_until {
            return false;
        }
        state.failures = 0;
        let pause = FIRST.saturating_mul(1 << state.ejections.min(10)).min(LONGEST);
        state.ejections += 1;
        state.ejected_until = now + pause;
        true
    }

    /// Somebody says that it is mended: it is no longer left out, and the first failures from now on count as such.
    pub(crate) fn forgive(&self) {
        let mut state = self.state();
        (state.failures, state.ejections, state.ejected_until) = (0, 0, Instant::now());
    }

    /// It was asked how it is; says whether that changed anything.
    pub(crate) fn checked(&self, well: bool) -> bool {
        let mut state = self.state();
        let before = state.failed_checks >= CHECKS;
        state.failed_checks = if well { 0 } else { state.failed_checks.saturating_add(1) };
        before != (state.failed_checks >= CHECKS)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Condition, Failure, Health};

    #[test]
    fn instance_is_left_out_after_failures_in_a_row_for_longer_each_time() {
        let start = Instant::now();
        let health = Health::new(start);
        for _ in 0..4 {
            assert!(!health.failed(Failure::NoAnswer, start));
        }
        health.answered();
        assert!(!health.failed(Failure::NoAnswer, start), "not in a row");
        health.answered();
        let mut now = start;
        for seconds in [2, 4, 8, 16, 32, 60, 60] {
            assert!(health.failed(Failure::Unreachable, now));
            assert!(!health.failed(Failure::Unreachable, now), "left out already");
            assert_eq!(health.condition(now + Duration::from_millis(seconds * 1000 - 1)), Condition::Ejected);
            now += Duration::from_secs(seconds);
            assert!(health.is_well(now), "tried again after {seconds} s");
            // The one that failed while it was left out must not count twice.
            health.state().failures = 0;
        }
    }

    #[test]
    fn checks_decide_by_themselves() {
        let now = Instant::now();
        let health = Health::new(now);
        assert!(health.checked(false), "it never was well");
        health.answered();
        assert_eq!(health.condition(now), Condition::Unwell);
        assert!(health.checked(true));
        assert!(health.is_well(now));
        assert!(!health.checked(false), "once is a hiccup");
        assert!(health.is_well(now));
        assert!(health.checked(false));
        assert_eq!(health.condition(now), Condition::Unwell);
    }
}
