//! What this process counts by itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Family, Who};

/// Callers remembered; each takes about 100 bytes. Beyond that new ones are let through uncounted for the rest of the
/// minute: forgetting others would let those go on who made them so many.
const MOST: usize = 100_000;

#[derive(Default)]
pub(super) struct OwnCounts(Mutex<Known>);

#[derive(Default)]
struct Known {
    counts: HashMap<(Family, Who), Count>,
    /// The minute in which there was last room made: once a minute is all that helps, and it takes its time.
    tidied: i64,
}

struct Count {
    minute: i64,
    requests: u32,
}

impl OwnCounts {
    /// One more request; how many there are in this minute.
    pub(super) fn count(&self, family: Family, who: Who, minute: i64) -> u32 {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.counts.len() >= MOST && !known.counts.contains_key(&(family, who)) {
            if known.tidied != minute {
                known.tidied = minute;
                known.counts.retain(|_, count| count.minute == minute);
            }
            if known.counts.len() >= MOST {
                return 0;
            }
        }
        let count = known.counts.entry((family, who)).or_insert(Count { minute, requests: 0 });
        if count.minute != minute {
            *count = Count { minute, requests: 0 };
        }
        count.requests = count.requests.saturating_add(1);
        count.requests
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn address(number: u32) -> Who {
        Who::Address(Some(IpAddr::V4(Ipv4Addr::from(number))))
    }

    #[test]
    fn callers_families_and_minutes_are_counted_apart() {
        let counts = OwnCounts::default();
        assert_eq!([1, 1, 1].map(|who| counts.count(Family::Auth, address(who), 7)), [1, 2, 3]);
        assert_eq!(counts.count(Family::Auth, address(2), 7), 1);
        assert_eq!(counts.count(Family::Users, address(1), 7), 1);
        assert_eq!(counts.count(Family::Auth, address(1), 8), 1);
    }

    #[test]
    fn many_callers_take_bounded_room_and_free_nobody() {
        let counts = OwnCounts::default();
        assert_eq!(counts.count(Family::Auth, address(0), 7), 1);
        for who in 1..150_000 {
            counts.count(Family::Auth, address(who), 7);
        }
        assert_eq!(counts.count(Family::Auth, address(0), 7), 2, "who was counted is counted on");
        assert_eq!(counts.0.lock().unwrap().counts.len(), MOST);
        counts.count(Family::Auth, address(200_000), 8);
        assert_eq!(counts.0.lock().unwrap().counts.len(), 1, "a new minute makes room");
    }
}
