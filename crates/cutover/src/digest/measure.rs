//! Digests of tables, chunk by chunk.

use std::cell::Cell;
use std::fmt;

use serde::{Deserialize, Serialize, de};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::{CHUNK, Table, sql};
use crate::{Error, Result};

/// 128 bits: two sums of 64-bit hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Digest(u64, u64);

impl Digest {
    /// What two sets of rows come to together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0), self.1.wrapping_add(other.1))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.0, self.1)
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts = text.split_at_checked(16).filter(|(_, second)| second.len() == 16);
        let number = |text| u64::from_str_radix(text, 16).map_err(de::Error::custom);
        let (first, second) = parts.ok_or_else(|| de::Error::custom("a digest has 32 digits"))?;
        Ok(Self(number(first)?, number(second)?))
    }
}

/// A range of keys and what its rows come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The first key after it, as texts; `None` if all that are left are in it.
    pub next: Option<Vec<String>>,
    /// How many rows.
    pub rows: u64,
    /// What they come to.
    pub digest: Digest,
}

/// What a table comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    /// How many rows: what `SELECT COUNT(*)` says.
    pub rows: u64,
    /// What they come to.
    pub digest: Digest,
    /// Range by range, in the order of the key.
    pub chunks: Vec<Chunk>,
}

impl TableDigest {
    fn of(chunks: Vec<Chunk>) -> Self {
        let rows = chunks.iter().map(|chunk| chunk.rows).sum();
        let digest = chunks.iter().fold(Digest::default(), |sum, chunk| sum.and(chunk.digest));
        Self { rows, digest, chunks }
    }

    /// Whether both hold the same rows, however they are cut into chunks.
    pub fn same(&self, other: &Self) -> bool {
        self.rows == other.rows && self.digest == other.digest
    }

    /// The key that the chunk begins with, if one was before it.
    pub(super) fn first(&self, chunk: usize) -> Option<&Vec<String>> {
        chunk.checked_sub(1).and_then(|before| self.chunks.get(before)?.next.as_ref())
    }
}

/// A session to measure with, and how often it was asked.
pub struct Side<'a> {
    client: &'a Client,
    queries: Cell<u32>,
}

impl<'a> Side<'a> {
    /// Measures what this session sees.
    pub const fn new(client: &'a Client) -> Self {
        Self { client, queries: Cell::new(0) }
    }

    /// How many queries were run.
    pub fn queries(&self) -> u32 {
        self.queries.get()
    }

    pub(super) async fn query(&self, table: &Table, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        self.queries.set(self.queries.get() + 1);
        let doing = || Error::sql(format!("reading {}", table.shown()));
        self.client.query(sql, parameters).await.map_err(doing())
    }
}

/// Up to so many rows a table is read in one pass, which nobody can pause: about half a minute.
const ONE_PASS: u64 = 20_000_000;

/// Measures a table and decides on its chunks. `each` is told about every chunk.
pub async fn measure(side: &Side<'_>, table: &Table, each: impl AsyncFnMut(u64) -> Result<()>) -> Result<TableDigest> {
    let mut bounds: Vec<Vec<String>> = Vec::new();
    while table.has_ranges() {
        let sql = sql::bound(table, !bounds.is_empty(), CHUNK);
        let none: Option<Vec<String>> = None;
        let found = side.query(table, &sql, &[&bounds.last(), &none]).await?;
        let Some(row) = found.first() else { break };
        bounds.push(row.get("key"));
    }
    in_chunks(side, table, &bounds, each).await
}

/// Measures a table in the chunks of an earlier measurement.
pub async fn measure_again(
    side: &Side<'_>,
    table: &Table,
    before: &TableDigest,
    each: impl AsyncFnMut(u64) -> Result<()>,
) -> Result<TableDigest> {
    let bounds: Vec<Vec<String>> = before.chunks.iter().filter_map(|chunk| chunk.next.clone()).collect();
    in_chunks(side, table, &bounds, each).await
}

async fn in_chunks(
    side: &Side<'_>,
    table: &Table,
    bounds: &[Vec<String>],
    mut each: impl AsyncFnMut(u64) -> Result<()>,
) -> Result<TableDigest> {
    let nexts = bounds.iter().cloned().map(Some).chain([None]);
    let mut chunks = Vec::new();
    let few = bounds.len() as u64 <= ONE_PASS / u64::from(CHUNK);
    if let Some(sql) = sql::pass(table).filter(|_| few && !bounds.is_empty()) {
        let firsts: Vec<&String> = bounds.iter().flatten().collect();
        let rows = side.query(table, &sql, &[&firsts]).await?;
        for (at, next) in (0_i32..).zip(nexts) {
            let found = rows.iter().find(|row| row.get::<_, i32>("chunk") == at);
            let (rows, digest) = found.map_or_else(Default::default, sums);
            chunks.push(Chunk { next, rows, digest });
            each(rows).await?;
        }
        return Ok(TableDigest::of(chunks));
    }
    for next in nexts {
        let first = chunks.last().and_then(|chunk: &Chunk| chunk.next.clone());
        let chunk = one(side, table, first.as_ref(), next).await?;
        each(chunk.rows).await?;
        chunks.push(chunk);
    }
    Ok(TableDigest::of(chunks))
}

async fn one(side: &Side<'_>, table: &Table, first: Option<&Vec<String>>, next: Option<Vec<String>>) -> Result<Chunk> {
    let sql = sql::chunk(table, first.is_some(), next.is_some());
    let rows = side.query(table, &sql, &[&first, &next]).await?;
    let (rows, digest) = rows.first().map_or_else(Default::default, sums);
    Ok(Chunk { next, rows, digest })
}

/// `rows, first, second`
pub(super) fn sums(row: &Row) -> (u64, Digest) {
    let rows: i64 = row.get("rows");
    let sum = |name: &str| row.get::<_, &str>(name).parse::<i128>().unwrap_or_default();
    (rows.unsigned_abs(), Digest(wrapped(sum("first")), wrapped(sum("second"))))
}

/// The sum modulo 2^64.
fn wrapped(sum: i128) -> u64 {
    u64::try_from(sum.rem_euclid(1 << 64)).unwrap_or_default()
}

/// The chunks that differ. Of tables that hold the same none does, even if a collation sorts keys otherwise.
pub fn differing(before: &TableDigest, now: &TableDigest) -> Vec<usize> {
    if before.same(now) {
        return Vec::new();
    }
    let pairs = before.chunks.iter().zip(&now.chunks).enumerate();
    pairs.filter(|(_, (before, now))| before != now).map(|(at, _)| at).collect()
}

/// What `SELECT COUNT(*) FROM table` says: beside the digests, to show what it does not see.
pub async fn counts(client: &Client, tables: &[Table]) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for table in tables {
        let sql = format!("SELECT count(*) FROM ONLY {}", table.quoted());
        let row = client.query_one(&sql, &[]).await.map_err(Error::sql(format!("counting {}", table.shown())))?;
        all.push(row.get::<_, i64>(0).unsigned_abs());
    }
    Ok(all)
}
