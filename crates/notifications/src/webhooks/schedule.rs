//! When a failed delivery is tried again: often at first, for receivers that restart, then seldom, for those that are
//! down; given up after a day.

use jiff::SignedDuration;
use kernel::Rng;

/// Seconds after each failed attempt; a day in all.
const WAITS: [i64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800];

/// How long to wait after the `attempt`th failure, from 1; `None` when it was the last. A tenth is left to chance, so that
/// what failed together is not tried again together.
pub(crate) fn wait(rng: &dyn Rng, attempt: i32) -> Option<SignedDuration> {
    let seconds = *WAITS.get(usize::try_from(attempt).ok()?.checked_sub(1)?)?;
    let chance = i64::from(u16::from_be_bytes(rng.bytes()));
    // From 95 % to 105 %.
    Some(SignedDuration::from_millis(seconds * 950 + seconds * 100 * chance / i64::from(u16::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All(u8);

    impl Rng for All {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn waits_grow_and_end_after_a_day() {
        let waits = |byte| (1..).map_while(move |attempt| wait(&All(byte), attempt)).collect::<Vec<_>>();
        let (early, late) = (waits(0), waits(255));
        assert_eq!((early.len(), late.len()), (10, 10));
        assert!(early.is_sorted() && late.is_sorted());
        assert!(early.iter().zip(&late).all(|(early, late)| early < late));
        let hours = |waits: &[SignedDuration]| waits.iter().map(SignedDuration::as_secs).sum::<i64>() / 3600;
        assert_eq!((hours(&early), hours(&late)), (22, 24));
        assert!(wait(&All(0), 0).is_none() && wait(&All(0), -1).is_none());
    }
}
