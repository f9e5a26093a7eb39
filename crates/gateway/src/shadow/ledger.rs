//! What was found, grouped by endpoint and field, and how many of the last reads differed.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::{Difference, Kind};
use super::sample::Sample;
use crate::gates::judge::Differences;

/// More groups than anybody reads.
const MOST: usize = 1000;
/// What the gates look at.
const LATELY: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Group {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    /// The request it was seen in first.
    request_id: String,
    legacy: Sample,
    platform: Sample,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    groups: BTreeMap<(String, String, Kind), Group>,
    /// Differences that found no place.
    left_out: u64,
    intended: BTreeMap<String, u64>,
    lately: BTreeMap<String, VecDeque<(Instant, Option<String>)>>,
}

/// Differences of one endpoint, field and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Method and template.
    pub endpoint: String,
    /// `status`, `content-type`, or a path in the body.
    pub field: String,
    /// What differs.
    pub kind: Kind,
    /// In how many reads.
    pub count: u64,
    /// When it was seen first.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
    /// The request it was seen in first; both sides log it.
    pub request_id: String,
    /// What the old side had there: type, length and mark, or itself if it was asked for and is no secret.
    pub legacy: String,
    /// The same of the new side.
    pub platform: String,
}

impl Ledger {
    pub(super) fn add(&mut self, endpoint: &str, request_id: &str, difference: &Difference, at: Timestamp) {
        let key = (endpoint.to_owned(), difference.field.clone(), difference.kind);
        if self.groups.len() >= MOST && !self.groups.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let group = self.groups.entry(key).or_insert_with(|| {
            let Difference { field, kind, legacy, platform, .. } = difference;
            let (kind, legacy, platform) = (kind.name(), legacy.redacted(), platform.redacted());
            tracing::warn!(endpoint, field, kind, legacy, platform, request_id, "the sides answer a read differently");
            Group {
                count: 0,
                first: at,
                last: at,
                request_id: request_id.to_owned(),
                legacy: difference.legacy.clone(),
                platform: difference.platform.clone(),
            }
        });
        group.count += 1;
        group.last = at;
    }

    pub(super) fn excuse(&mut self, reason: &str) {
        *self.intended.entry(reason.to_owned()).or_default() += 1;
    }

    /// A read was compared; `differs` says where it differed.
    pub(super) fn compared(&mut self, family: &str, differs: Option<String>, now: Instant) {
        let lately = self.lately.entry(family.to_owned()).or_default();
        while lately.front().is_some_and(|(at, _)| now.duration_since(*at) > LATELY) {
            lately.pop_front();
        }
        lately.push_back((now, differs));
    }

    /// What was found of a family until now is no reason any more.
    pub(super) fn forget(&mut self, family: &str) {
        self.lately.remove(family);
    }

    pub(super) fn lately(&self, family: &str, now: Instant) -> Differences {
        let mut differences = Differences::default();
        let mut places: BTreeMap<&str, u64> = BTreeMap::new();
        let lately = self.lately.get(family).into_iter().flatten();
        for (_, differs) in lately.filter(|(at, _)| now.duration_since(*at) <= LATELY) {
            differences.compared += 1;
            if let Some(place) = differs {
                differences.different += 1;
                *places.entry(place).or_default() += 1;
            }
        }
        if let Some((place, _)) = places.into_iter().max_by_key(|(_, count)| *count) {
            place.clone_into(&mut differences.most);
        }
        differences
    }

    pub(super) fn shown(&self, with_values: bool) -> Vec<Shown> {
        let text = |sample: &Sample| match sample.text() {
            Some(text) if with_values => text.to_owned(),
            _ => sample.redacted().to_owned(),
        };
        let mut shown: Vec<Shown> = self
            .groups
            .iter()
            .map(|((endpoint, field, kind), group)| Shown {
                endpoint: endpoint.clone(),
                field: field.clone(),
                kind: *kind,
                count: group.count,
                first: group.first,
                last: group.last,
                request_id: group.request_id.clone(),
                legacy: text(&group.legacy),
                platform: text(&group.platform),
            })
            .collect();
        shown.sort_by_key(|shown| std::cmp::Reverse(shown.count));
        shown
    }

    pub(super) fn intended(&self) -> &BTreeMap<String, u64> {
        &self.intended
    }

    pub(super) fn left_out(&self) -> u64 {
        self.left_out
    }
}
