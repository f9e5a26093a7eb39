//! How far a copy has come, kept in the copy itself, so that it is true whenever the machine stops.

use std::fmt::Write as _;

use tokio_postgres::Client;

use crate::{Error, Result};

/// What of the log is in a copy: everything that `base` sees, and of what `target` sees beyond that, everything up to and
/// with the change `after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// A snapshot of the live database: at first the backup's.
    pub base: String,
    /// The snapshot of an unfinished round.
    pub target: Option<String>,
    /// The last change of that round.
    pub after: i64,
    /// How many changes were applied in all.
    pub applied: i64,
    /// The first change that is left out, if not all are wanted.
    pub until: Option<i64>,
    /// The manifest of the backup that it began with.
    pub manifest_sha256: String,
    /// What `until` was asked for as.
    pub wish: String,
}

impl Position {
    /// Of a copy that was restored from the backup with this manifest, whose snapshot saw `base`.
    pub fn of(base: String, manifest_sha256: String) -> Self {
        Self { base, target: None, after: 0, applied: 0, until: None, manifest_sha256, wish: String::new() }
    }

    /// Notes where a copy begins. Afterwards it counts as restored.
    pub async fn begin(&self, copy: &Client) -> Result<()> {
        let schema = "CREATE SCHEMA pyairtable_cutover;
            CREATE TABLE pyairtable_cutover.replay (base pg_snapshot NOT NULL, target pg_snapshot, after bigint NOT NULL,
                applied bigint NOT NULL, until bigint, manifest_sha256 text NOT NULL, wish text NOT NULL);
            REVOKE ALL ON SCHEMA pyairtable_cutover FROM PUBLIC";
        let doing = || Error::sql("noting how far the copy is");
        copy.batch_execute(&format!("BEGIN; {schema}")).await.map_err(doing())?;
        let sql = "INSERT INTO pyairtable_cutover.replay VALUES ($1::text::pg_snapshot, NULL, 0, 0, $2, $3, $4)";
        copy.execute(sql, &[&self.base, &self.until, &self.manifest_sha256, &self.wish]).await.map_err(doing())?;
        copy.batch_execute("COMMIT").await.map_err(doing())
    }

    /// Where a copy is; `None` if it was not restored to the end.
    pub async fn read(copy: &Client) -> Result<Option<Self>> {
        let doing = || Error::sql("reading how far the copy is");
        let sql = "SELECT pg_catalog.to_regclass('pyairtable_cutover.replay') IS NOT NULL";
        if !copy.query_one(sql, &[]).await.map_err(doing())?.get::<_, bool>(0) {
            return Ok(None);
        }
        let sql = "SELECT base::text, target::text, after, applied, until, manifest_sha256, wish
            FROM pyairtable_cutover.replay";
        let row = copy.query_opt(sql, &[]).await.map_err(doing())?;
        Ok(row.map(|row| Self {
            base: row.get(0),
            target: row.get(1),
            after: row.get(2),
            applied: row.get(3),
            until: row.get(4),
            manifest_sha256: row.get(5),
            wish: row.get(6),
        }))
    }

    /// Notes it, in the transaction that is open.
    pub(super) async fn write(&self, copy: &Client) -> Result<()> {
        let sql = "UPDATE pyairtable_cutover.replay SET base = $1::text::pg_snapshot, target = $2::text::pg_snapshot,
            after = $3, applied = $4";
        let doing = Error::sql("noting how far the copy is");
        copy.execute(sql, &[&self.base, &self.target, &self.after, &self.applied]).await.map_err(doing).map(drop)
    }

    /// The condition for what is still to be applied up to `target`, on the log's table `c`.
    pub(super) fn condition(&self, target: &str) -> String {
        let base = &self.base;
        let mut text = format!(
            "c.xid >= pg_catalog.pg_snapshot_xmin('{base}') AND NOT pg_catalog.pg_visible_in_snapshot(c.xid, '{base}')
            AND pg_catalog.pg_visible_in_snapshot(c.xid, '{target}') AND c.id > {}",
            self.after
        );
        if let Some(until) = self.until {
            // A transaction that was not over at that moment is left out as a whole. Nothing that is left in can depend
            // on it: whoever waited for its rows made their changes later.
            let _ = write!(
                text,
                " AND c.id < {until} AND c.xid NOT IN (SELECT xid FROM pyairtable_cutover.changes WHERE id >= {until})"
            );
        }
        text
    }
}
