//! Noise: fields in which one and the same side answers the same read differently. Learned by asking the primary side
//! twice, for each endpoint, field and kind of difference.
//!
//! The rule, see docs/adr/0012: in a field that was never noisy a difference counts as soon as it was seen again at once.
//! Any other counts when the sides differ there more often than one side differs from itself: by more than a fifth of
//! that, by more than 0.03 points, and not by chance.

use std::collections::BTreeMap;

use super::compare::{Difference, Kind};
use crate::gates::chance;

/// Endpoints and fields that are kept; services have some hundred.
const MOST: usize = 10_000;
/// How much more often sides must differ than one side from itself, relatively.
const RELATIVE: f64 = 0.2;
/// The same in points.
const ABSOLUTE: f64 = 0.0003;
/// The largest chance that counts.
const CHANCE: f64 = 1e-6;
/// Fewer differences prove nothing in a noisy field.
const FEWEST: u64 = 3;

#[derive(Debug, Default)]
struct Endpoint {
    /// Answers of one side that were compared with each other.
    learned: u64,
    /// Answers of both sides that were compared.
    compared: u64,
    /// How often a field differed: within one side, and between both.
    fields: BTreeMap<(String, Kind), (u64, u64)>,
}

/// What is known about noise.
#[derive(Debug, Default)]
pub struct Noise {
    endpoints: BTreeMap<String, Endpoint>,
    fields: usize,
}

impl Noise {
    fn endpoint(&mut self, name: &str) -> Option<&mut Endpoint> {
        if !self.endpoints.contains_key(name) {
            if self.endpoints.len() >= MOST {
                return None;
            }
            self.endpoints.insert(name.to_owned(), Endpoint::default());
        }
        self.endpoints.get_mut(name)
    }

    fn count(&mut self, endpoint: &str, differences: &[Difference], within: bool) {
        let room = MOST.saturating_sub(self.fields);
        let Some(endpoint) = self.endpoint(endpoint) else { return };
        if within {
            endpoint.learned += 1;
        } else {
            endpoint.compared += 1;
        }
        let mut added = 0;
        let mut seen = std::collections::BTreeSet::new();
        for difference in differences {
            let key = (difference.field.clone(), difference.kind.of_noise());
            if !seen.insert(key.clone()) {
                continue;
            }
            if !endpoint.fields.contains_key(&key) {
                if added >= room {
                    continue;
                }
                added += 1;
            }
            let (one, both) = endpoint.fields.entry(key).or_default();
            *if within { one } else { both } += 1;
        }
        self.fields += added;
    }

    /// Two answers of one side differ so.
    pub fn learn(&mut self, endpoint: &str, differences: &[Difference]) {
        self.count(endpoint, differences, true);
    }

    /// Counts a pair of answers of both sides, and says which of its differences are more than noise. Both sides were
    /// asked once more when there were any: `within` is how the primary then differed from itself, and `between` how it
    /// differed from the other.
    pub fn real<'a>(
        &mut self,
        endpoint: &str,
        open: &'a [Difference],
        within: &[Difference],
        between: &[Difference],
    ) -> Vec<&'a Difference> {
        self.compared(endpoint, open);
        if open.is_empty() {
            return Vec::new();
        }
        self.learn(endpoint, within);
        let key = |difference: &Difference| (difference.field.clone(), difference.kind.of_noise());
        let is_again = |difference: &Difference| {
            let here = |list: &[Difference]| list.iter().any(|one| key(one) == key(difference));
            here(between) && !here(within)
        };
        open.iter().filter(|difference| self.is_real(endpoint, difference, is_again(difference))).collect()
    }

    /// Answers of both sides differ so.
    pub fn compared(&mut self, endpoint: &str, differences: &[Difference]) {
        self.count(endpoint, differences, false);
    }

    /// Whether a difference between the sides, which was counted already, is more than noise. `again` says that it was
    /// there when both were asked once more.
    fn is_real(&self, endpoint: &str, difference: &Difference, again: bool) -> bool {
        let Some(endpoint) = self.endpoints.get(endpoint) else { return again };
        let key = (difference.field.clone(), difference.kind.of_noise());
        let (one, both) = endpoint.fields.get(&key).copied().unwrap_or_default();
        if one == 0 && again {
            return true;
        }
        let (noise, raw) = (share(one, endpoint.learned), share(both, endpoint.compared));
        let excess = raw - noise;
        both >= FEWEST
            && excess > noise * RELATIVE
            && excess > ABSOLUTE
            && chance(both, endpoint.compared, one, endpoint.learned).is_some_and(|chance| chance <= CHANCE)
    }

    /// How many pairs of answers of one side were compared, over all endpoints.
    pub fn learned(&self) -> u64 {
        self.endpoints.values().map(|endpoint| endpoint.learned).sum()
    }

    /// How many endpoints are known.
    pub fn endpoints(&self) -> usize {
        self.endpoints.values().filter(|endpoint| endpoint.learned > 0).count()
    }

    /// Fields that one side answers differently, with their endpoint, kind, how often they did, and of how many.
    pub fn noisy(&self) -> impl Iterator<Item = (&str, &str, Kind, u64, u64)> {
        self.endpoints.iter().flat_map(|(name, endpoint)| {
            let noisy = endpoint.fields.iter().filter(|(_, (one, _))| *one > 0);
            noisy.map(move |((field, kind), (one, _))| (name.as_str(), field.as_str(), *kind, *one, endpoint.learned))
        })
    }
}

fn share(part: u64, all: u64) -> f64 {
    crate::gates::ratio(part, all)
}
