//! When a failed delivery is tried again: often at first, for receivers that restart, then seldom, for those that are
//! down; given up after a day.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kernel::Rng;

/// Seconds after each failed attempt; with all that chance may add, less than [`WINDOW`].
const WAITS: [i64; 10] = [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 25_200];
/// From the first attempt on; the last is made at its end at the latest.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How HTTP writes times: as it should, and as it once did (RFC 9110, 5.6.7).
const HTTP_DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// When to try again after the `attempt`th failure, from 1; `None` when it was the last. Receivers may ask for more time
/// than planned, up to the end of the day, but not for less: they could ask to be flooded.
pub(crate) fn next_attempt(
    rng: &dyn Rng,
    attempt: i32,
    first: Timestamp,
    now: Timestamp,
    asked: Option<Timestamp>,
) -> Option<Timestamp> {
    let planned = now.checked_add(wait(rng, attempt)?).ok()?;
    let end = first.checked_add(WINDOW).ok()?;
    if now >= end {
        return None;
    }
    Some(asked.map_or(planned, |asked| planned.max(asked.min(end))))
}

/// What `Retry-After` asks for, in seconds or as a time.
pub(crate) fn asked(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More than a day is cut off anyway.
        let seconds = text.parse().unwrap_or(i64::MAX).min(2 * WINDOW.as_secs());
        return now.checked_add(SignedDuration::from_secs(seconds)).ok();
    }
    let time = HTTP_DATES.iter().find_map(|format| DateTime::strptime(format, text).ok())?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// How long to wait after the `attempt`th failure. A tenth is left to chance, so that what failed together is not tried
/// again together.
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
    fn waits_grow_and_end_within_a_day() {
        let waits = |byte| (1..).map_while(move |attempt| wait(&All(byte), attempt)).collect::<Vec<_>>();
        let (early, late) = (waits(0), waits(255));
        assert_eq!((early.len(), late.len()), (10, 10));
        assert!(early[..9].is_sorted() && late[..9].is_sorted());
        assert!(early.iter().zip(&late).all(|(early, late)| early < late));
        let whole = |waits: &[SignedDuration]| waits.iter().sum::<SignedDuration>();
        assert!(whole(&early) > SignedDuration::from_hours(21) && whole(&late) < WINDOW - SignedDuration::from_mins(5));
        assert!(wait(&All(0), 0).is_none() && wait(&All(0), -1).is_none());
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap_or_default()
    }

    #[test]
    fn a_time_to_wait_is_read_in_all_its_forms() {
        let now = at("1994-11-06T08:00:00Z");
        for (text, time) in [
            ("120", "1994-11-06T08:02:00Z"),
            (" 0 ", "1994-11-06T08:00:00Z"),
            ("99999999999999999999", "1994-11-08T08:00:00Z"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            ("Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"),
            ("Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"),
        ] {
            assert_eq!(asked(text, now), Some(at(time)), "{text}");
        }
        for text in [
            "",
            "-1",
            "1.5",
            "soon",
            "1994-11-06T08:49:37Z",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
        ] {
            assert_eq!(asked(text, now), None, "{text}");
        }
    }

    #[test]
    fn receivers_may_ask_for_more_time_but_not_for_less_and_not_for_more_than_a_day() {
        let (rng, first) = (All(0), at("2026-01-01T00:00:00Z"));
        let next = |attempt, now, asked: Option<&str>| next_attempt(&rng, attempt, first, at(now), asked.map(at));
        assert_eq!(next(1, "2026-01-01T00:00:00Z", None), Some(at("2026-01-01T00:00:04.75Z")));
        assert_eq!(next(1, "2026-01-01T00:00:00Z", Some("2026-01-01T00:01:00Z")), Some(at("2026-01-01T00:01:00Z")));
        assert_eq!(next(1, "2026-01-01T00:00:00Z", Some("2026-01-01T00:00:01Z")), Some(at("2026-01-01T00:00:04.75Z")));
        assert_eq!(next(1, "2026-01-01T00:00:00Z", Some("2025-01-01T00:00:00Z")), Some(at("2026-01-01T00:00:04.75Z")));
        assert_eq!(next(1, "2026-01-01T00:00:00Z", Some("2026-02-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
        assert_eq!(next(2, "2026-01-01T23:00:00Z", Some("2026-02-01T00:00:00Z")), Some(at("2026-01-02T00:00:00Z")));
        // That was the last.
        assert_eq!(next(2, "2026-01-02T00:00:00Z", Some("2026-02-01T00:00:00Z")), None);
        assert_eq!(next(11, "2026-01-01T00:00:00Z", None), None);
    }
}
