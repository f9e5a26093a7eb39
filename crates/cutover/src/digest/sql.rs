//! The statements. They are put together from names found in the catalogs, which are quoted, and from texts of keys,
//! which are parameters.

use super::Table;
use super::table::quote;

/// What rows come to; the two hashes differ in what they begin with.
const SUMS: &str = "count(*) AS rows,
    coalesce(sum(pg_catalog.hash_record_extended(ROW(row), 1)), 0)::pg_catalog.text AS first,
    coalesce(sum(pg_catalog.hash_record_extended(ROW(row), 2)), 0)::pg_catalog.text AS second";
/// What the hash of a key begins with that splits chunks.
const SPLIT: u64 = 3;
/// What hashes of single keys and columns begin with.
const SINGLE: u64 = 4;
/// How many parts a chunk is split into to find a row.
const PARTS: u64 = 256;

/// Some values as the bytes that PostgreSQL sends to clients.
fn bytes<'a>(expressions: impl Iterator<Item = &'a str>) -> String {
    format!("pg_catalog.record_send(ROW({}))", expressions.collect::<Vec<_>>().join(", "))
}

/// All bytes go into one hash. The hash of a record with several fields would be a sum over the fields, and the sum of
/// those over all rows the same after two rows swapped a value.
fn hash(bytes: &str, seed: u64) -> String {
    format!("pg_catalog.hash_record_extended(ROW({bytes}), {seed})")
}

fn whole(table: &Table) -> String {
    bytes(table.columns.iter().map(|column| column.exact.as_str()))
}

/// What names a row; everything it has, when nothing does.
fn key(table: &Table) -> String {
    let key = table.key.iter().filter_map(|name| table.column(name));
    if table.key.is_empty() { whole(table) } else { bytes(key.map(|column| column.exact.as_str())) }
}

/// Rows from the first bound on, up to the second and without it. Bounds are texts of the key's columns: `$1` the lower,
/// `$2` the upper.
fn range(table: &Table, lower: bool, upper: bool) -> String {
    let columns: Vec<String> = table.key.iter().map(|name| quote(name)).collect();
    let bound = |parameter: u8| {
        let kinds = table.key.iter().enumerate().map(|(at, name)| {
            let kind = table.column(name).map_or("text", |column| column.kind.as_str());
            format!("(${parameter}::pg_catalog.text[])[{}]::{kind}", at + 1)
        });
        kinds.collect::<Vec<_>>().join(", ")
    };
    let mut conditions =
        vec!["($1::pg_catalog.text[] IS NULL OR true) AND ($2::pg_catalog.text[] IS NULL OR true)".to_owned()];
    if lower {
        conditions.push(format!("({}) >= ({})", columns.join(", "), bound(1)));
    }
    if upper {
        conditions.push(format!("({}) < ({})", columns.join(", "), bound(2)));
    }
    conditions.join(" AND ")
}

/// `rows, first, second` of a chunk.
pub(super) fn chunk(table: &Table, lower: bool, upper: bool) -> String {
    // OFFSET keeps the planner from sending each row twice.
    format!(
        "SELECT {SUMS} FROM (SELECT {} AS row FROM ONLY {} WHERE {} OFFSET 0) rows",
        whole(table),
        table.quoted(),
        range(table, lower, upper)
    )
}

/// `chunk, rows, first, second` of all chunks of a table with one key column, in one pass: `$1` are the first keys of all
/// chunks but the first, as texts, which a subquery turns into keys once and not for each row. Reading range by range
/// would visit each page many times when keys are random.
pub(super) fn pass(table: &Table) -> Option<String> {
    let [key] = table.key.as_slice() else { return None };
    Some(format!(
        "SELECT chunk, {SUMS} FROM (SELECT pg_catalog.width_bucket({}, (SELECT $1::pg_catalog.text[]::{}[])) AS chunk, {} AS row \
         FROM ONLY {} OFFSET 0) rows GROUP BY chunk",
        quote(key),
        table.column(key)?.kind,
        whole(table),
        table.quoted()
    ))
}

/// The first key, as texts, after `rows` rows from the lower bound on; no row if there are not more.
pub(super) fn bound(table: &Table, lower: bool, rows: u32) -> String {
    let columns: Vec<String> = table.key.iter().map(|name| quote(name)).collect();
    let columns = columns.join(", ");
    let texts: Vec<String> = table.key.iter().map(|name| format!("{}::pg_catalog.text", quote(name))).collect();
    format!(
        "SELECT ARRAY[{}] AS key FROM ONLY {} WHERE {} ORDER BY {columns} LIMIT 1 OFFSET {rows}",
        texts.join(", "),
        table.quoted(),
        range(table, lower, false)
    )
}

/// `part, rows, first, second` of a chunk's parts.
pub(super) fn parts(table: &Table, lower: bool, upper: bool) -> String {
    format!(
        "SELECT part, {SUMS} FROM (SELECT {} AS part, {} AS row FROM ONLY {} WHERE {} OFFSET 0) rows GROUP BY part",
        part(table),
        whole(table),
        table.quoted(),
        range(table, lower, upper)
    )
}

fn part(table: &Table) -> String {
    format!("({} & {})", hash(&key(table), SPLIT), PARTS - 1)
}

/// `id, key, columns` of the rows in the parts `$3`: a hash of the key, the key as texts, a hash of each column.
pub(super) fn rows(table: &Table, lower: bool, upper: bool) -> String {
    let id = hash(&key(table), SINGLE);
    let texts: Vec<String> = table.key.iter().map(|name| format!("{}::pg_catalog.text", quote(name))).collect();
    let columns: Vec<String> =
        table.columns.iter().map(|column| hash(&bytes(std::iter::once(column.exact.as_str())), SINGLE)).collect();
    format!(
        "SELECT {id} AS id, ARRAY[{}]::pg_catalog.text[] AS key, ARRAY[{}]::pg_catalog.int8[] AS columns FROM ONLY {} WHERE {} AND {} = ANY ($3) \
         ORDER BY 1",
        texts.join(", "),
        columns.join(", "),
        table.quoted(),
        range(table, lower, upper),
        part(table)
    )
}
