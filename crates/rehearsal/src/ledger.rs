//! What was asked for and what was acknowledged, by object.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A table in which something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Table {
    /// Found by its description.
    Workspaces,
    /// Made under a name of its own, changed in its description.
    Projects,
    /// Made under a name of its own, changed in its description.
    Bases,
    /// Made under an address of its own.
    Users,
}

impl Table {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workspaces => "workspaces",
            Self::Projects => "projects",
            Self::Bases => "airtable_bases",
            Self::Users => "users",
        }
    }
}

/// Something that was to be made, under a mark that nothing else has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Made {
    /// The id in the answer, once there was one.
    pub(crate) acknowledged: Option<String>,
}

/// The values that one column of one row was to have, one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values {
    /// The last that was acknowledged.
    pub(crate) acknowledged: Option<String>,
    /// Those sent since, of which nobody knows.
    pub(crate) unknown: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Entries {
    pub(crate) made: HashMap<(Table, String), Made>,
    pub(crate) values: HashMap<(Table, String), Values>,
    pub(crate) deleted: HashMap<(Table, String), bool>,
}

/// Shared by everybody who sends requests.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

impl Ledger {
    /// A row is about to be asked for.
    pub(crate) fn making(&self, table: Table, mark: &str) {
        self.lock().made.insert((table, mark.to_owned()), Made::default());
    }

    /// It was made.
    pub(crate) fn made(&self, table: Table, mark: &str, id: &str) {
        self.lock().made.entry((table, mark.to_owned())).or_default().acknowledged = Some(id.to_owned());
    }

    /// A value is about to be sent.
    pub(crate) fn setting(&self, table: Table, id: &str, value: &str) {
        self.lock().values.entry((table, id.to_owned())).or_default().unknown.push(value.to_owned());
    }

    /// It was taken, and so were or were not those before it: they are history.
    pub(crate) fn set(&self, table: Table, id: &str, value: &str) {
        let values = Values { acknowledged: Some(value.to_owned()), unknown: Vec::new() };
        self.lock().values.insert((table, id.to_owned()), values);
    }

    /// A row is about to be deleted.
    pub(crate) fn deleting(&self, table: Table, id: &str) {
        self.lock().deleted.insert((table, id.to_owned()), false);
    }

    /// It was.
    pub(crate) fn deleted(&self, table: Table, id: &str) {
        self.lock().deleted.insert((table, id.to_owned()), true);
    }

    /// Whether a row shows what it may show: the acknowledged value or one that was sent since.
    pub(crate) fn may_show(&self, table: Table, id: &str, shown: &str) -> bool {
        self.lock().values.get(&(table, id.to_owned())).is_none_or(|values| {
            values.acknowledged.as_deref().is_none_or(|value| value == shown)
                || values.unknown.iter().any(|value| value == shown)
        })
    }

    /// Writes that were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        let entries = self.lock();
        entries.made.values().filter(|made| made.acknowledged.is_some()).count()
            + entries.values.values().filter(|values| values.acknowledged.is_some()).count()
            + entries.deleted.values().filter(|deleted| **deleted).count()
    }

    pub(crate) fn entries(&self) -> Entries {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
