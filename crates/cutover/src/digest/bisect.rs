//! From a chunk that differs to the rows and columns that do.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measure::{Side, sums};
use super::{Digest, Table, TableDigest, sql};
use crate::Result;

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// Its table.
    pub table: String,
    /// Its key as texts; empty if nothing names rows of this table.
    pub key: Vec<String>,
    /// In what way.
    pub how: How,
}

/// How a row differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// These columns hold something else.
    Changed(Vec<String>),
    /// It is there only before.
    Missing,
    /// It is there only now.
    Extra,
}

/// A row's key and the hash of each column.
type Found = (Vec<String>, Vec<i64>);

/// The rows of a chunk that differ between two sessions; four queries, two on each.
pub async fn bisect(
    before: &Side<'_>,
    now: &Side<'_>,
    table: &Table,
    digest: &TableDigest,
    chunk: usize,
) -> Result<Vec<Difference>> {
    let (from, next) = (digest.first(chunk), digest.chunks.get(chunk).and_then(|chunk| chunk.next.as_ref()));
    let parts = sql::parts(table, from.is_some(), next.is_some());
    let read = async |side: &Side<'_>| -> Result<BTreeMap<i64, (u64, Digest)>> {
        let rows = side.query(table, &parts, &[&from, &next]).await?;
        Ok(rows.iter().map(|row| (row.get("part"), sums(row))).collect())
    };
    let (first, second) = (read(before).await?, read(now).await?);
    let differ = first.keys().chain(second.keys()).filter(|part| first.get(part) != second.get(part));
    let differ: Vec<i64> = differ.copied().collect();
    let rows = sql::rows(table, from.is_some(), next.is_some());
    let read = async |side: &Side<'_>| -> Result<BTreeMap<i64, Vec<Found>>> {
        let rows = side.query(table, &rows, &[&from, &next, &differ]).await?;
        let mut all: BTreeMap<i64, Vec<Found>> = BTreeMap::new();
        for row in rows {
            all.entry(row.get("id")).or_default().push((row.get("key"), row.get("columns")));
        }
        Ok(all)
    };
    let (first, second) = (read(before).await?, read(now).await?);
    Ok(compare(table, &first, &second))
}

fn compare(table: &Table, before: &BTreeMap<i64, Vec<Found>>, now: &BTreeMap<i64, Vec<Found>>) -> Vec<Difference> {
    let mut all = Vec::new();
    let empty = Vec::new();
    for id in before.keys().chain(now.keys().filter(|id| !before.contains_key(id))) {
        let (old, new) = (before.get(id).unwrap_or(&empty), now.get(id).unwrap_or(&empty));
        for at in 0..old.len().max(new.len()) {
            let how = match (old.get(at), new.get(at)) {
                (Some(old), Some(new)) if old.1 == new.1 => continue,
                (Some(old), Some(new)) => How::Changed(columns(table, &old.1, &new.1)),
                (Some(_), None) => How::Missing,
                _ => How::Extra,
            };
            let key = old.get(at).or(new.get(at)).map(|found| found.0.clone()).unwrap_or_default();
            all.push(Difference { table: table.shown(), key, how });
        }
    }
    all
}

fn columns(table: &Table, old: &[i64], new: &[i64]) -> Vec<String> {
    let pairs = table.columns.iter().zip(old.iter().zip(new));
    pairs.filter(|(_, (old, new))| old != new).map(|(column, _)| column.name.clone()).collect()
}
