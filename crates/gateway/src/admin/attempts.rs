//! How often an address may try a wrong token. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Wrong tokens in a row that nobody minds.
const FREE: u32 = 10;
/// One more after this long.
const EACH: Duration = Duration::from_secs(6);
/// Addresses that are remembered. Whoever has more of them is not stopped by their number.
const MOST: usize = 1024;

/// Failures of each address, as the moment at which all of them are forgotten.
#[derive(Debug, Default)]
pub(super) struct Attempts(BTreeMap<IpAddr, Instant>);

impl Attempts {
    /// How long an address has to wait, if it failed too often.
    pub(super) fn may_try(&self, client: IpAddr, now: Instant) -> Result<(), Duration> {
        let owed = self.0.get(&client).map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        owed.checked_sub(EACH * (FREE - 1)).filter(|wait| !wait.is_zero()).map_or(Ok(()), Err)
    }

    /// An address sent a wrong token.
    pub(super) fn failed(&mut self, client: IpAddr, now: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, until| *until > now);
        }
        if self.0.len() >= MOST && !self.0.contains_key(&client) {
            return;
        }
        let until = self.0.entry(client).or_insert(now);
        *until = (*until).max(now) + EACH;
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::{Duration, Instant};

    use super::{Attempts, EACH, FREE};

    #[test]
    fn an_address_waits_after_ten_wrong_tokens_and_others_do_not() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let [one, other] = [1, 2].map(|last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)));
        for n in 0..FREE {
            assert_eq!(attempts.may_try(one, now), Ok(()), "{n}");
            attempts.failed(one, now);
        }
        assert_eq!(attempts.may_try(one, now), Err(EACH));
        assert_eq!(attempts.may_try(other, now), Ok(()));
        assert_eq!(attempts.may_try(one, now + EACH), Ok(()));
        attempts.failed(one, now + EACH);
        assert!(attempts.may_try(one, now + EACH).is_err(), "one more each time, not ten");
        assert_eq!(attempts.may_try(one, now + Duration::from_mins(10)), Ok(()));
    }

    #[test]
    fn many_addresses_do_not_fill_the_memory() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        (0..5000_u32).for_each(|n| attempts.failed(IpAddr::V4(Ipv4Addr::from(n)), now));
        assert_eq!(attempts.0.len(), super::MOST);
    }
}
