//! What was found, grouped by endpoint and field, and how many of the last reads differed.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::compare::{Difference, Kind};
use super::sample::Sample;
use crate::gates::judge::{Differences, FEWEST};
use crate::gates::ratio;

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
    lately: BTreeMap<String, Lately>,
}

/// The last reads of a family.
#[derive(Debug, Default)]
struct Lately {
    reads: VecDeque<Compared>,
    /// How many of them each endpoint has, and how many of those differed. Kept beside them because clients' requests wait
    /// for the lock that this is under.
    endpoints: BTreeMap<String, (u64, u64)>,
}

impl Lately {
    fn begin(&mut self, read: Compared) {
        let (compared, different) = self.endpoints.entry(read.endpoint.clone()).or_default();
        *compared += 1;
        *different += u64::from(read.differs.is_some());
        self.reads.push_back(read);
    }

    fn end(&mut self, now: Instant) {
        while let Some(read) = self.reads.pop_front_if(|read| now.duration_since(read.at) > LATELY) {
            let Some((compared, different)) = self.endpoints.get_mut(&read.endpoint) else { continue };
            *compared -= 1;
            *different -= u64::from(read.differs.is_some());
            if *compared == 0 {
                self.endpoints.remove(&read.endpoint);
            }
        }
    }
}

/// A read.
#[derive(Debug)]
struct Compared {
    at: Instant,
    endpoint: String,
    /// Where it differed.
    differs: Option<String>,
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

    /// A read was compared; `differs` is the field where it differed.
    pub(super) fn compared(&mut self, family: &str, endpoint: &str, differs: Option<String>, now: Instant) {
        let lately = self.lately.entry(family.to_owned()).or_default();
        lately.end(now);
        lately.begin(Compared { at: now, endpoint: endpoint.to_owned(), differs });
    }

    /// What was found of a family until now is no reason any more.
    pub(super) fn forget(&mut self, family: &str) {
        self.lately.remove(family);
    }

    /// What the gates get to see. A fault of one endpoint must not drown in the reads of all others.
    pub(super) fn lately(&mut self, family: &str, now: Instant) -> Differences {
        let Some(lately) = self.lately.get_mut(family) else { return Differences::default() };
        lately.end(now);
        let share = |(compared, different): (u64, u64)| ratio(different, compared);
        let enough = lately.endpoints.iter().filter(|(_, (_, different))| *different >= FEWEST);
        let worst = enough.max_by(|(_, one), (_, other)| share(**one).total_cmp(&share(**other)));
        let mut places: BTreeMap<String, u64> = BTreeMap::new();
        for one in &lately.reads {
            let Some(field) = &one.differs else { continue };
            match worst {
                Some((endpoint, _)) if *endpoint != one.endpoint => {}
                Some(_) => *places.entry(field.clone()).or_default() += 1,
                None => *places.entry(format!("{} {field}", one.endpoint)).or_default() += 1,
            }
        }
        Differences {
            endpoint: worst.map(|(endpoint, _)| endpoint.clone()),
            compared: worst.map_or(lately.reads.len() as u64, |(_, (compared, _))| *compared),
            different: places.values().sum(),
            most: places.into_iter().max_by_key(|(_, count)| *count).map(|(place, _)| place).unwrap_or_default(),
        }
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Ledger;

    #[test]
    fn gates_see_the_endpoint_that_differs_most_and_the_family_while_none_has_enough() {
        let (mut ledger, now) = (Ledger::default(), Instant::now());
        for _ in 0..1000 {
            ledger.compared("things", "GET /things", None, now);
        }
        let mut differ = |endpoint: &str| {
            ledger.compared("things", endpoint, Some("$.name".to_owned()), now);
            ledger.lately("things", now)
        };
        differ("GET /things/{id}");
        let found = differ("GET /things/{id}");
        assert_eq!((found.endpoint, found.compared, found.different), (None, 1002, 2));
        assert_eq!(found.most, "GET /things/{id} $.name");
        let found = differ("GET /things/{id}");
        assert_eq!(found.endpoint.as_deref(), Some("GET /things/{id}"), "three are enough");
        assert_eq!((found.compared, found.different, found.most.as_str()), (3, 3, "$.name"));
        for _ in 0..5 {
            differ("GET /things");
        }
        assert_eq!(ledger.lately("things", now).different, 3, "the share counts, not the number");
        assert_eq!(ledger.lately("others", now).compared, 0);
        assert_eq!(ledger.lately("things", now + Duration::from_secs(31)).compared, 0);
    }
}
