//! At most one retry for ten requests, beyond a small reserve. Without a limit, retries multiply the load of a service
//! exactly when it fails.

use std::sync::atomic::{AtomicU32, Ordering};

const COST: u32 = 10;
/// Ten retries, for services that are seldom asked.
const RESERVE: u32 = 10 * COST;

/// Each request adds one, each retry takes ten.
#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(RESERVE))
    }
}

impl Budget {
    /// A request was made.
    pub(crate) fn deposit(&self) {
        let _ = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |saved| (saved < RESERVE).then_some(saved + 1));
    }

    /// Whether there may be a retry now.
    pub(crate) fn withdraw(&self) -> bool {
        self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |saved| saved.checked_sub(COST)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Budget;

    #[test]
    fn a_tenth_of_requests_may_be_retried_beyond_the_reserve() {
        let budget = Budget::default();
        let retried = (0..1000)
            .filter(|_| {
                budget.deposit();
                budget.withdraw()
            })
            .count();
        assert!((100..=110).contains(&retried), "{retried}");
    }
}
