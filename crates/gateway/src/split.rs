//! Which side a sticky key falls on: `hash(key) < threshold`, and nothing else.
//!
//! Every key has one fixed position between nothing and everything. Raising the share moves the threshold over more
//! positions and never back over one, so nobody who was moved to the new side leaves it while the share grows. Coins
//! thrown per request, and cookies that only one side sets, move everybody within seconds.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

const WHOLE: u32 = 1_000_000;

/// The share of keys that go to the new side, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Share(u32);

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everybody.
    pub const ALL: Self = Self(WHOLE);

    /// A share in hundredths of a percent; what is above everybody is everybody.
    pub fn from_basis_points(points: u32) -> Self {
        Self(points.saturating_mul(100).min(WHOLE))
    }

    /// A share in millionths; what is above everybody is everybody.
    pub fn from_millionths(millionths: u32) -> Self {
        Self(millionths.min(WHOLE))
    }

    /// In millionths.
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// Whether `position` is on the new side.
    pub fn takes(self, position: Position) -> bool {
        // Exact at both ends: 0 takes nothing, and `WHOLE` takes `u64::MAX` too.
        u128::from(position.0) * u128::from(WHOLE) < u128::from(self.0) << 64
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000, self.0 % 10_000);
        if rest == 0 {
            write!(f, "{percent}%")
        } else {
            write!(f, "{percent}.{}%", format!("{rest:04}").trim_end_matches('0'))
        }
    }
}

/// A text that is no share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAShare(String);

impl fmt::Display for NotAShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no share: write a percentage from 0 to 100 with at most four decimals, such as 12.5%",
            self.0
        )
    }
}

impl std::error::Error for NotAShare {}

impl FromStr for Share {
    type Err = NotAShare;

    /// A percentage, with or without its sign.
    fn from_str(text: &str) -> Result<Self, NotAShare> {
        let wrong = || NotAShare(text.chars().take(40).collect());
        let number = text.strip_suffix('%').unwrap_or(text);
        let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || decimals.len() > 4 || whole.len() > 3 {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let decimals: u32 = format!("{decimals:0<4}").parse().map_err(|_| wrong())?;
        let millionths = whole * 10_000 + decimals;
        if millionths > WHOLE { Err(wrong()) } else { Ok(Self(millionths)) }
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The share in force for one family of paths: one atomic value, so there is no state in between two shares.
#[derive(Debug, Clone, Default)]
pub struct Weight(Arc<AtomicU32>);

impl Weight {
    /// A weight that starts at `share`.
    pub fn new(share: Share) -> Self {
        Self(Arc::new(AtomicU32::new(share.0)))
    }

    /// The share in force.
    pub fn get(&self) -> Share {
        Share(self.0.load(Ordering::Acquire))
    }

    /// Puts `share` in force, for the next request already.
    pub fn set(&self, share: Share) {
        self.0.store(share.0, Ordering::Release);
    }
}

/// What makes a request stick to a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StickyKey<'a> {
    /// The user of a verified token.
    User(&'a str),
    /// The tenant of a verified token without a user.
    Tenant(&'a str),
    /// The client's address.
    Address(std::net::IpAddr),
}

/// Where a key stands between nothing and everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

/// What is hashed before the kind of a key and the key.
pub(crate) fn prefix(seed: &str) -> String {
    format!("pyairtable gateway split v1 {}:{seed} ", seed.len())
}

/// Makes positions of keys. Each deployment has a seed of its own, so that the same people are not always the first.
#[derive(Debug, Clone)]
pub struct Splitter {
    seed: String,
    state: Sha256,
}

impl Splitter {
    /// A splitter for a deployment.
    pub fn new(seed: &str) -> Self {
        // The prefix and the length keep this hash apart from every other use of SHA-256 on an id, and one seed apart
        // from another that continues it: whoever shards or samples by a hash of the id must not find all of the new
        // side in one shard. Text only: HAProxy has to make the same hash, and cannot hash a zero byte.
        let mut state = Sha256::new();
        state.update(prefix(seed));
        Self { seed: seed.to_owned(), state }
    }

    /// What the deployment calls itself.
    pub(crate) fn seed(&self) -> &str {
        &self.seed
    }

    /// Whether both put everybody in the same place.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.seed == other.seed
    }

    /// The position of `key`.
    pub fn position(&self, key: StickyKey<'_>) -> Position {
        let mut state = self.state.clone();
        match key {
            StickyKey::User(id) => {
                state.update(b"u");
                state.update(id.as_bytes());
            }
            StickyKey::Tenant(id) => {
                state.update(b"t");
                state.update(id.as_bytes());
            }
            StickyKey::Address(address) => {
                state.update(b"a");
                state.update(address.to_canonical().to_string().as_bytes());
            }
        }
        let digest = state.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Position(u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::{Position, Share, Splitter, StickyKey};

    const USERS: u32 = 1_000_000;

    /// Ids as they are: UUIDs, here of one counter.
    fn user(n: u32) -> String {
        let n = u64::from(n);
        format!("{:08x}-0000-4000-8000-{:012x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff, n)
    }

    fn positions(seed: &str) -> Vec<Position> {
        let splitter = Splitter::new(seed);
        (0..USERS).map(|n| splitter.position(StickyKey::User(&user(n)))).collect()
    }

    #[test]
    fn million_users_are_shared_exactly_and_nobody_moves_back_on_the_way_up() {
        let positions = positions("production");
        let mut moved = vec![false; positions.len()];
        for percent in [0, 1, 10, 50, 100] {
            let share = Share::from_basis_points(percent * 100);
            let mut on_the_new_side = 0_u32;
            for (position, moved) in positions.iter().zip(&mut moved) {
                let takes = share.takes(*position);
                assert!(takes || !*moved, "somebody moved back at {share}");
                *moved = takes;
                on_the_new_side += u32::from(takes);
            }
            let error = (f64::from(on_the_new_side) / f64::from(USERS) * 100.0 - f64::from(percent)).abs();
            assert!(error <= 0.1, "{share} was off by {error} points");
            if percent == 0 || percent == 100 {
                assert!(error == 0.0, "{share} is everybody or nobody");
            }
        }
    }

    #[test]
    fn split_is_independent_of_other_hashes_and_of_other_seeds() {
        let here = positions("production");
        let there = positions("staging");
        let ten = Share::from_basis_points(1000);
        let mut shards = [0_u32; 16];
        let mut both = 0_u32;
        for (n, (here, there)) in (0..USERS).zip(here.iter().zip(&there)) {
            if ten.takes(*here) {
                shards[usize::from(Sha256::digest(user(n).as_bytes())[0] >> 4)] += 1;
                both += u32::from(ten.takes(*there));
            }
        }
        for shard in shards {
            assert!(
                (5_900..6_600).contains(&shard),
                "a shard by plain SHA-256 got {shard} instead of 6,250: {shards:?}"
            );
        }
        assert!((9_500..10_500).contains(&both), "{both} instead of 10,000 are first in both deployments");
    }

    #[test]
    fn shares_are_read_and_shown() {
        for (text, shown, millionths) in
            [("0", "0%", 0), ("12.5%", "12.5%", 125_000), ("100%", "100%", 1_000_000), ("0.0001", "0.0001%", 1)]
        {
            let share: Share = text.parse().unwrap();
            assert_eq!((share.to_string().as_str(), share.millionths()), (shown, millionths));
        }
        for text in ["", "%", "-1", "100.0001", "101%", "1e2", "NaN", "0.00001", "1.", "9999999999", "+5", " 5"] {
            assert!(text.parse::<Share>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn larger_shares_take_whatever_smaller_ones_took(position: u64, one in 0..=1_000_000_u32, other in 0..=1_000_000_u32) {
            let (less, more) = (Share::from_millionths(one.min(other)), Share::from_millionths(one.max(other)));
            prop_assert!(!less.takes(Position(position)) || more.takes(Position(position)));
            prop_assert!(!Share::NONE.takes(Position(position)));
            prop_assert!(Share::ALL.takes(Position(position)));
        }

        #[test]
        fn kinds_of_keys_do_not_meet(id in "[a-z0-9-]{1,40}") {
            let splitter = Splitter::new("x");
            prop_assert_ne!(splitter.position(StickyKey::User(&id)), splitter.position(StickyKey::Tenant(&id)));
            prop_assert_eq!(splitter.position(StickyKey::User(&id)), Splitter::new("x").position(StickyKey::User(&id)));
        }

        #[test]
        fn shown_shares_are_read_back(millionths in 0..=1_000_000_u32) {
            let share = Share::from_millionths(millionths);
            prop_assert_eq!(share.to_string().parse::<Share>().unwrap(), share);
        }
    }
}
