//! The last changes, with who and why, for whoever looks now. The log keeps all of them; this ends with the gateway.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::state::{Change, LEASE};

/// More than anybody reads on a screen.
const MOST: usize = 100;

/// Something that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who did it: a person, `gates`, or `gateway` when a lease ended.
    pub who: String,
    /// Why, in their words.
    pub why: String,
    /// What was asked for, such as `set 10%`.
    pub what: String,
    /// The family it was asked for, or `all`; nothing if it is not about one.
    pub family: Option<String>,
    /// The shares that changed by it.
    pub changes: Vec<Change>,
}

impl Entry {
    /// Nobody renewed a lease.
    pub(crate) fn end_of_lease(at: Timestamp, changes: Vec<Change>) -> Self {
        let why = format!("nobody renewed the lease for {} s", LEASE.as_secs());
        let (who, what) = ("gateway".to_owned(), "end of the lease".to_owned());
        Self { at, who, why, what, family: None, changes }
    }
}

/// What happened, and who watches.
#[derive(Debug, Default)]
pub(crate) struct History {
    entries: VecDeque<Entry>,
    holders: BTreeMap<String, String>,
}

impl History {
    pub(crate) fn add(&mut self, entry: Entry) {
        self.entries.push_back(entry);
        if self.entries.len() > MOST {
            self.entries.pop_front();
        }
    }

    /// `who` set the share of `families`, or renewed their leases.
    pub(crate) fn holds<'a>(&mut self, who: &str, families: impl Iterator<Item = &'a str>) {
        for family in families {
            if self.holders.get(family).is_none_or(|holder| holder != who) {
                self.holders.insert(family.to_owned(), who.to_owned());
            }
        }
    }

    /// Who renewed the lease of `family` last, if it has one.
    pub(crate) fn holder(&self, family: &str) -> Option<&str> {
        self.holders.get(family).map(String::as_str)
    }

    /// The newest first.
    pub(crate) fn latest(&self, count: usize) -> Vec<Entry> {
        self.entries.iter().rev().take(count).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Entry, History, MOST};

    #[test]
    fn only_the_last_changes_are_kept_and_the_newest_come_first() {
        let mut history = History::default();
        for n in 0..MOST + 5 {
            history.add(Entry {
                at: Timestamp::UNIX_EPOCH,
                who: "ada".to_owned(),
                why: n.to_string(),
                what: "thaw".to_owned(),
                family: None,
                changes: Vec::new(),
            });
        }
        let latest = history.latest(usize::MAX);
        assert_eq!((latest.len(), latest[0].why.as_str()), (MOST, "104"));
        history.holds("ada", ["users"].into_iter());
        history.holds("bob", ["users"].into_iter());
        assert_eq!((history.holder("users"), history.holder("tenants")), (Some("bob"), None));
    }
}
