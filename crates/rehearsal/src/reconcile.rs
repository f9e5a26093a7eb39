//! The ledger beside the tables.

use std::collections::HashMap;
use std::fmt;

use tokio_postgres::Client;

use crate::ledger::{Entries, Ledger, Table};

/// How the two compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Rows and values that were acknowledged and looked for.
    pub acknowledged: usize,
    /// Those that are not there.
    pub lost: Vec<String>,
    /// Marks that are there more than once.
    pub doubled: Vec<String>,
}

impl fmt::Display for Reconciled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, lost, doubled } = self;
        write!(f, "{acknowledged} acknowledged, {} lost, {} doubled", lost.len(), doubled.len())?;
        for one in lost.iter().chain(doubled).take(20) {
            write!(f, "\n  {one}")?;
        }
        Ok(())
    }
}

/// All ids of a table that the ledger speaks of. Of a million others nothing needs to be read.
fn known(entries: &Entries, table: Table) -> Vec<&String> {
    let made =
        entries.made.iter().filter(|((of, _), _)| *of == table).filter_map(|(_, made)| made.acknowledged.as_ref());
    let others = entries.values.keys().chain(entries.deleted.keys()).filter(|(of, _)| *of == table).map(|(_, id)| id);
    made.chain(others).collect()
}

/// Looks for everything in the ledger, in a database whose search path has the old tables. Nothing may be under way.
pub async fn reconcile(ledger: &Ledger, database: &Client) -> Result<Reconciled, tokio_postgres::Error> {
    let entries = ledger.entries();
    let mut found = Reconciled::default();
    for (table, marked_by, says) in [
        (Table::Workspaces, "id::text", "description"),
        (Table::Projects, "name", "description"),
        (Table::Bases, "name", "description"),
        (Table::Users, "email", "''"),
    ] {
        let live = if table == Table::Users { "true" } else { "deleted_at IS NULL" };
        let sql = format!(
            "SELECT id::text, {marked_by}, coalesce({says}, ''), {live} FROM {name}
             WHERE {marked_by} LIKE 'rehearsed-%' OR id::text = ANY ($1)",
            name = table.name()
        );
        let ids = known(&entries, table);
        let mut by_mark: HashMap<String, usize> = HashMap::new();
        let mut by_id: HashMap<String, (String, bool)> = HashMap::new();
        for row in database.query(&sql, &[&ids]).await? {
            let mark: Option<String> = row.get(1);
            *by_mark.entry(mark.unwrap_or_default()).or_default() += 1;
            by_id.insert(row.get(0), (row.get(2), row.get(3)));
        }
        for ((_, mark), made) in entries.made.iter().filter(|((of, _), _)| *of == table) {
            let times = by_mark.get(mark).copied().unwrap_or(0);
            if times > 1 {
                found.doubled.push(format!("{} {mark}: {times} times", table.name()));
            }
            let Some(id) = &made.acknowledged else { continue };
            found.acknowledged += 1;
            if !by_id.contains_key(id) {
                found.lost.push(format!("{} {mark}: acknowledged as {id}, not there", table.name()));
            }
        }
        for ((_, id), values) in entries.values.iter().filter(|((of, _), _)| *of == table) {
            let Some(value) = &values.acknowledged else { continue };
            found.acknowledged += 1;
            match by_id.get(id) {
                Some((shown, _)) if shown == value || values.unknown.contains(shown) => {}
                Some((shown, _)) => {
                    found.lost.push(format!("{} {id}: {value:?} was acknowledged, it says {shown:?}", table.name()));
                }
                None => found.lost.push(format!("{} {id}: changed to {value:?}, not there", table.name())),
            }
        }
        for ((_, id), deleted) in entries.deleted.iter().filter(|((of, _), _)| *of == table) {
            if !deleted {
                continue;
            }
            found.acknowledged += 1;
            if by_id.get(id).is_none_or(|(_, live)| *live) {
                found.lost.push(format!("{} {id}: deleted, and there", table.name()));
            }
        }
    }
    found.lost.sort();
    found.doubled.sort();
    Ok(found)
}
