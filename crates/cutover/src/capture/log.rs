//! What is in the log, for people: how much, by whom, and the number of the change before which something went wrong.

use jiff::Timestamp;
use serde::Serialize;
use tokio_postgres::Client;

use super::exists;
use crate::{Error, Result};

/// The log in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many changes, by the server's estimate.
    pub changes: u64,
    /// The size on disk in bytes, with its index.
    pub bytes: u64,
    /// The number of the newest change.
    pub newest: Option<i64>,
    /// When it was made.
    pub newest_at: Option<Timestamp>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// Its number: what `--until` takes.
    pub id: i64,
    /// When it was made.
    pub at: Timestamp,
    /// `schema.table`
    pub table: String,
    /// `insert`, `update`, `delete`, `truncate` or `unknown`.
    pub operation: String,
    /// The key of the row it was made to, or of the new row; empty where nothing names rows.
    pub key: Vec<String>,
    /// What the program that made it calls itself.
    pub application: String,
}

/// Changes of one table by one program that a replay leaves out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// `schema.table`
    pub table: String,
    /// The program.
    pub application: String,
    /// How many.
    pub changes: u64,
}

fn none() -> Error {
    Error::refused(
        "this database has no change log",
        "`pyairtable-platform cutover run` makes one before the backup; what was written before it is in no log",
    )
}

/// The log in numbers.
pub async fn summary(client: &Client) -> Result<Summary> {
    if !exists(client).await? {
        return Err(none());
    }
    let sql = "SELECT greatest(c.reltuples, 0)::bigint AS changes, pg_catalog.pg_total_relation_size(c.oid) AS bytes,
            n.id, n.at FROM pg_catalog.pg_class c
        LEFT JOIN (SELECT id, at FROM pyairtable_cutover.changes ORDER BY xid DESC, id DESC LIMIT 1) n ON true
        WHERE c.oid = 'pyairtable_cutover.changes'::pg_catalog.regclass";
    let row = client.query_one(sql, &[]).await.map_err(Error::sql("reading the change log"))?;
    let number = |name: &str| row.get::<_, i64>(name).unsigned_abs();
    Ok(Summary { changes: number("changes"), bytes: number("bytes"), newest: row.get("id"), newest_at: row.get("at") })
}

/// The newest changes, the last first: at most `most`, of one table if `table` names one, and not after `before`.
pub async fn newest(client: &Client, table: Option<&str>, before: Option<Timestamp>, most: u32) -> Result<Vec<Logged>> {
    if !exists(client).await? {
        return Err(none());
    }
    // The key alone says which row it was; the rest of a row may be secret.
    let sql = "SELECT c.id, c.at, s.schema || '.' || s.name AS table, c.application,
            CASE c.operation WHEN 'I' THEN 'insert' WHEN 'U' THEN 'update' WHEN 'D' THEN 'delete' WHEN 'T' THEN 'truncate'
                ELSE 'unknown' END AS operation,
            CASE WHEN cardinality(s.key) = 0 THEN '{}' WHEN c.operation = 'I' THEN (SELECT array_agg(c.image[p.position]
                ORDER BY k.position) FROM unnest(s.key) WITH ORDINALITY k (name, position)
                JOIN (SELECT e ->> 'name' AS name, row_number() OVER (ORDER BY o) AS position
                    FROM jsonb_array_elements(s.columns) WITH ORDINALITY x (e, o)
                    WHERE NOT (e ->> 'generated')::boolean) p ON p.name = k.name) ELSE c.key END AS key
        FROM pyairtable_cutover.changes c JOIN pyairtable_cutover.shapes s ON s.id = c.shape
        WHERE ($1::text IS NULL OR $1 IN (s.name, s.schema || '.' || s.name)) AND ($2::timestamptz IS NULL OR c.at <= $2)
        ORDER BY c.id DESC LIMIT $3";
    let most = i64::from(most);
    let rows = client.query(sql, &[&table, &before, &most]).await.map_err(Error::sql("reading the change log"))?;
    let logged = |row: &tokio_postgres::Row| Logged {
        id: row.get("id"),
        at: row.get("at"),
        table: row.get("table"),
        operation: row.get("operation"),
        key: row.get::<_, Option<Vec<Option<String>>>>("key").unwrap_or_default().into_iter().flatten().collect(),
        application: row.get("application"),
    };
    Ok(rows.iter().map(logged).collect())
}

/// What is left out by a replay that stops before the change `until`: all changes of every transaction that was not over
/// by then.
pub async fn left_out(client: &Client, until: i64) -> Result<Vec<Left>> {
    let sql = "SELECT s.schema || '.' || s.name AS table, c.application, count(*) AS changes
        FROM pyairtable_cutover.changes c JOIN pyairtable_cutover.shapes s ON s.id = c.shape
        WHERE c.xid IN (SELECT xid FROM pyairtable_cutover.changes WHERE id >= $1) GROUP BY 1, 2 ORDER BY 1, 2";
    let rows = client.query(sql, &[&until]).await.map_err(Error::sql("reading the change log"))?;
    let left = |row: &tokio_postgres::Row| Left {
        table: row.get("table"),
        application: row.get("application"),
        changes: row.get::<_, i64>("changes").unsigned_abs(),
    };
    Ok(rows.iter().map(left).collect())
}
