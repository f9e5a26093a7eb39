//! A map of HAProxy holds a lease for each family: `THRESHOLD:UNTIL:SAFE`. Whoever's position is below the threshold is on
//! the new side; from UNTIL on, in seconds since 1970, SAFE counts instead. So HAProxy itself goes back when nobody renews,
//! whatever became of whoever raised the share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;

use super::files;
use super::runtime::{Address, Trouble, ask, tell};
use super::servers::{Route, servers};
use crate::control::state::Shown;
use crate::split::Share;

/// Positions are the first seven bytes of the hash: HAProxy's numbers have a sign, so eight do not fit.
pub(crate) const POSITION_BYTES: u32 = 7;
const POSITIONS: u128 = 1 << (8 * POSITION_BYTES);
const WHOLE: u128 = 1_000_000;

/// One entry of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// Positions below are on the new side.
    pub threshold: u64,
    /// From this second on `safe` counts instead.
    pub until: i64,
    /// The threshold without a lease.
    pub safe: u64,
}

/// The least position that is not on the new side.
fn threshold(share: Share) -> u64 {
    // Never more than 2^56.
    u64::try_from((u128::from(share.millionths()) * POSITIONS).div_ceil(WHOLE)).unwrap_or(u64::MAX)
}

impl Lease {
    /// What is to be in force at `now`.
    pub fn new(shown: &Shown, now: Timestamp) -> Self {
        // Rounded down: HAProxy may go back up to a second early, never late.
        let until = shown.lease_seconds.map_or(0, |left| {
            let millis = std::time::Duration::try_from_secs_f64(left).map_or(0, |left| left.as_millis());
            now.as_millisecond().saturating_add(i64::try_from(millis).unwrap_or(0)).div_euclid(1000)
        });
        Self { threshold: threshold(shown.share), until, safe: threshold(shown.safe) }
    }

    /// The share in force at `now`, to the millionth.
    pub fn share(self, now: Timestamp) -> Share {
        let threshold = if now.as_second() < self.until { self.threshold } else { self.safe };
        Share::from_millionths(u32::try_from(u128::from(threshold) * WHOLE / POSITIONS).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.threshold, self.until, self.safe)
    }
}

impl FromStr for Lease {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(':');
        let lease = Self {
            threshold: parts.next().and_then(|part| part.parse().ok()).ok_or(())?,
            until: parts.next().and_then(|part| part.parse().ok()).ok_or(())?,
            safe: parts.next().and_then(|part| part.parse().ok()).ok_or(())?,
        };
        if parts.next().is_some() { Err(()) } else { Ok(lease) }
    }
}

/// A HAProxy with the configuration that `gateway print haproxy` writes.
#[derive(Debug)]
pub struct Threshold {
    /// The map's name, which is its file as the configuration of HAProxy names it.
    pub map: String,
    /// The same file as this program sees it. HAProxy reads it when it starts.
    pub file: PathBuf,
    /// Every route with two sides.
    pub routes: Vec<Routed>,
}

/// A path that HAProxy divides between two backends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// As in the routes file.
    pub path: String,
    /// What it is moved with.
    pub family: String,
    /// The backends of the old side and of the new one.
    pub backends: [String; 2],
}

impl Threshold {
    /// Looks whether HAProxy has what is needed.
    pub(super) async fn check(&self, address: &Address) -> Result<(), Trouble> {
        self.read(address).await?;
        for backend in self.routes.iter().flat_map(|route| &route.backends) {
            servers(address, backend).await?;
        }
        Ok(())
    }

    /// Puts leases in force, reads them back, and keeps them for the next start of HAProxy. What could not be kept is in
    /// the answer.
    pub(super) async fn put(
        &self,
        address: &Address,
        leases: &BTreeMap<String, Lease>,
    ) -> Result<Option<std::io::Error>, Trouble> {
        let before = self.read(address).await?;
        for (family, lease) in leases {
            let word = match before.get(family) {
                Some(before) if before == lease => continue,
                Some(_) => "set",
                None => "add",
            };
            tell(address, &format!("{word} map {} {family} {lease}", self.map)).await?;
        }
        let now = self.read(address).await?;
        if let Some((family, lease)) = leases.iter().find(|(family, lease)| now.get(*family) != Some(*lease)) {
            let has = now.get(family).map_or_else(|| "nothing".to_owned(), ToString::to_string);
            let why =
                format!("HAProxy was told {lease} for {family} and has {has}: does another program change its map?");
            return Err(Trouble::Refused(why));
        }
        let lines = leases.iter().map(|(family, lease)| format!("{family} {lease}\n"));
        let text: String = std::iter::once("# family threshold:until:safe; written by gateway drive\n".to_owned())
            .chain(lines)
            .collect();
        Ok(files::replace(&self.file, &text).err())
    }

    /// What HAProxy has.
    pub(super) async fn read(&self, address: &Address) -> Result<BTreeMap<String, Lease>, Trouble> {
        let answer = ask(address, &format!("show map {}", self.map)).await?;
        if answer.starts_with("Unknown map") {
            let map = &self.map;
            let why =
                format!("HAProxy has no map {map}: give it the configuration of `gateway print haproxy --map {map}`");
            return Err(Trouble::Refused(why));
        }
        let entry = |line: &str| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
        };
        Ok(answer.lines().filter_map(entry).collect())
    }

    /// Every route with the servers of both sides.
    pub(super) async fn routes(&self, address: &Address) -> Result<Vec<Route>, Trouble> {
        let mut routes = Vec::with_capacity(self.routes.len());
        for Routed { path, family, backends } in &self.routes {
            let mut sides = [Vec::new(), Vec::new()];
            for (side, backend) in sides.iter_mut().zip(backends) {
                side.extend(servers(address, backend).await?.iter().map(|server| server.instance(backend)));
            }
            routes.push(Route { path: path.clone(), family: family.clone(), sides });
        }
        Ok(routes)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::Lease;
    use crate::control::state::Shown;
    use crate::split::Share;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn lease_ends_by_the_second_it_says_and_not_after() {
        let shown = Shown { share: Share::ALL, safe: Share::NONE, frozen: false, lease_seconds: Some(15.0) };
        let lease = Lease::new(&shown, Timestamp::from_millisecond(1_000_900).unwrap());
        assert_eq!(lease.until, 1015);
        assert_eq!((lease.share(at(1014)), lease.share(at(1015))), (Share::ALL, Share::NONE));
        let safe = Shown { safe: Share::ALL, lease_seconds: None, ..shown };
        assert_eq!(Lease::new(&safe, at(1000)).share(at(i64::from(u32::MAX))), Share::ALL, "without a lease for ever");
    }

    proptest! {
        #[test]
        fn leases_are_read_back_and_keep_their_share(share in 0..=1_000_000_u32, safe in 0..=1_000_000_u32) {
            let share = Share::from_millionths(share);
            let shown =
                Shown { share, safe: Share::from_millionths(safe).min(share), frozen: false, lease_seconds: Some(5.0) };
            let lease = Lease::new(&shown, at(1000));
            prop_assert_eq!(lease.to_string().parse::<Lease>(), Ok(lease));
            prop_assert_eq!((lease.share(at(1004)), lease.share(at(1005))), (share, shown.safe));
        }
    }
}
