//! The change log: what is written to the old services' tables from before the backup on, so that a restored backup can
//! be brought to the present. Why triggers, and what they cost: `docs/adr/0016-change-log-and-full-rollback.md`.
//!
//! Invariants:
//! - A change is in the log exactly if its transaction committed, and a table's first captured change comes after the last
//!   one that was not: `CREATE TRIGGER` waits until nobody writes to the table.
//! - Values are kept as their types write them, under pinned settings, and read back by the same types.
//! - Of two changes of a row, or of rows that a constraint relates, the one that happened first has the smaller number:
//!   the number is given while the row is locked, before any other trigger of the table runs.
//! - It never fails a write: a table that was altered in a way its trigger does not know leaves a mark in the log, and
//!   replaying refuses to pass it.
//!
//! Deliberately absent: sequences, which are copied at the end, and large objects, which the old services do not use.

mod log;
mod shape;
mod sql;
mod step;

use db::migrate::{Limits, Piece, StepAside, Way, step_aside};
use tokio_postgres::Client;

pub use self::log::{Left, Logged, Summary, left_out, newest, summary};
pub use self::shape::{Captured, Shape, gaps};
pub(crate) use self::shape::{ShapeColumn, shapes};
pub use self::sql::Install;
pub(crate) use self::sql::{as_text, literal};
pub use self::step::Capture;
use crate::digest::{Table, quote};
use crate::expand::{Objection, lint};
use crate::{Error, Result};

/// The schema that everything of it is in. Nothing of it is measured, dumped with rows, or compared.
pub const SCHEMA: &str = "pyairtable_cutover";

/// The statements that make the log know every one of `tables` as it is now; none if it does. Only reads.
pub async fn plan(client: &Client, tables: &[Table]) -> Result<Vec<Install>> {
    let known = shapes(client).await?;
    let mut next = known.iter().map(|shape| shape.id).max().unwrap_or(0);
    let mut all = Vec::new();
    if !exists(client).await? {
        all.push(Install { table: None, sql: sql::SCHEMA_AND_LOG.to_owned() });
    }
    for table in gaps(client, tables).await? {
        next += 1;
        let again = known.iter().any(|shape| (&shape.schema, &shape.name) == (&table.schema, &table.name));
        let shape = shape::of(client, &table, next).await?;
        all.push(Install { table: Some(shape.quoted()), sql: sql::install(&shape, again) });
    }
    match all.iter().flat_map(objections).next() {
        Some(Objection { rule, message, .. }) => Err(Error::refused(
            format!("nothing was executed: {rule}: {message}"),
            "report the table's definition as a defect, with `pyairtable-platform cutover discover`",
        )),
        None => Ok(all),
    }
}

/// A second opinion on what is executed beside services.
fn objections(install: &Install) -> Vec<Objection> {
    lint(&Piece { version: 0, name: "capture", table: None, sql: install.sql.clone(), way: Way::Brief })
}

/// Runs one of them, stepping aside for everybody.
pub async fn install(
    client: &Client,
    watcher: &Client,
    install: &Install,
    waits: &mut (dyn FnMut(u32, Vec<db::migrate::Blocker>) + Send + Sync),
) -> Result<u32> {
    let done = step_aside(client, watcher, Limits::default(), &install.sql, install.table.as_deref(), waits).await;
    done.map_err(|error| match error {
        StepAside::Sql(error) => Error::sql("installing the change log")(error),
        StepAside::Watching(error) => error.into(),
        StepAside::Locked(blockers) => {
            let who = blockers.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            let table = install.table.as_deref().unwrap_or(SCHEMA);
            Error::refused(
                format!("somebody holds a lock on {table} for minutes: {who}"),
                "wait for them or end them with SELECT pg_terminate_backend(pid), then run the same command again; what \
                 is installed stays",
            )
        }
    })
}

/// Whether there is a log.
pub async fn exists(client: &Client) -> Result<bool> {
    let sql = "SELECT pg_catalog.to_regclass('pyairtable_cutover.changes') IS NOT NULL";
    Ok(client.query_one(sql, &[]).await.map_err(Error::sql("looking for the change log"))?.get(0))
}

/// The statements that remove the log and everything of it: a trigger at a time, so that no table is locked for longer
/// than that takes. For clean-up.
pub async fn removal(client: &Client) -> Result<Vec<Install>> {
    let sql = "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.string_agg(pg_catalog.format(
            'DROP TRIGGER IF EXISTS %I ON %I.%I', t.tgname, n.nspname, c.relname), '; ' ORDER BY t.tgname)
        FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid JOIN pg_catalog.pg_namespace o ON o.oid = f.pronamespace
        WHERE o.nspname = 'pyairtable_cutover' AND t.tgparentid = 0 GROUP BY 1 ORDER BY 1";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the triggers"))?;
    let mut all: Vec<Install> = rows.iter().map(|row| Install { table: Some(row.get(0)), sql: row.get(1) }).collect();
    let sql = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'pyairtable_cutover'";
    if client.query_opt(sql, &[]).await.map_err(Error::sql("reading the schemas"))?.is_some() {
        all.push(Install { table: None, sql: format!("DROP SCHEMA {} CASCADE", quote(SCHEMA)) });
    }
    Ok(all)
}

/// Removes the log. What was captured is gone then, and with it the way of a full rollback.
pub async fn remove(client: &Client, watcher: &Client) -> Result<()> {
    for piece in removal(client).await? {
        install(client, watcher, &piece, &mut |_, _| ()).await?;
    }
    Ok(())
}
