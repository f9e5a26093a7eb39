//! Puts changes into a copy, one after the other, each checked to have found its one row.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use futures_util::future::join_all;
use tokio_postgres::{Client, Row, Statement};

use crate::capture::{Shape, ShapeColumn, as_text};
use crate::digest::quote;
use crate::{Error, Result};

/// A change as the log has it.
pub(super) struct Change {
    pub(super) id: i64,
    shape: i32,
    operation: i8,
    key: Option<Vec<Option<String>>>,
    image: Option<Vec<Option<String>>>,
}

impl Change {
    /// `id, shape, operation, key, image`
    pub(super) fn of(row: &Row) -> Self {
        Self { id: row.get(0), shape: row.get(1), operation: row.get(2), key: row.get(3), image: row.get(4) }
    }
}

/// The statements for the tables of one shape.
struct Known {
    table: String,
    insert: Statement,
    update: Statement,
    delete: Statement,
    empty: Statement,
}

/// A copy and what is prepared in it.
pub(super) struct Copy<'a> {
    client: &'a Client,
    shapes: &'a [Shape],
    known: BTreeMap<i32, Known>,
}

impl<'a> Copy<'a> {
    pub(super) fn new(client: &'a Client, shapes: &'a [Shape]) -> Self {
        Self { client, shapes, known: BTreeMap::new() }
    }

    /// Applies them in this order, in the transaction that is open.
    pub(super) async fn apply(&mut self, changes: &[Change]) -> Result<()> {
        for change in changes {
            if !self.known.contains_key(&change.shape) {
                let known = self.prepare(change).await?;
                self.known.insert(change.shape, known);
            }
        }
        // All are on their way before the first answer is read. A statement is sent when it is polled first, so each is
        // polled once before the next is made: their order is the server's.
        let mut waiting = Vec::new();
        for change in changes {
            let Some(known) = self.known.get(&change.shape) else { continue };
            let client = self.client;
            let mut running = Box::pin(async move { one(client, known, change).await });
            match poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await {
                Poll::Ready(done) => done?,
                Poll::Pending => waiting.push(running),
            }
        }
        join_all(waiting).await.into_iter().collect()
    }

    async fn prepare(&self, change: &Change) -> Result<Known> {
        let shape = self.shapes.iter().find(|shape| shape.id == change.shape).ok_or_else(|| {
            Error::differs(
                format!("change {} is of a table that the change log does not know", change.id),
                "somebody edited the log; restore with `pyairtable-platform cutover rollback --full --until` before it",
            )
        })?;
        let sql = "SELECT attname::text FROM pg_catalog.pg_attribute
            WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let table = shape.quoted();
        let rows = self.client.query(sql, &[&table]).await.map_err(Error::sql("reading the copy's columns"))?;
        let there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let prepare = async |sql: String| self.client.prepare(&sql).await.map_err(Error::sql(sql.clone()));
        Ok(Known {
            insert: prepare(insert(shape, &there)).await?,
            update: prepare(update(shape, &there)).await?,
            delete: prepare(format!("DELETE FROM ONLY {table} WHERE {}", the_row(shape))).await?,
            // TRUNCATE would refuse where other tables refer to it, although they were emptied as well.
            empty: prepare(format!("DELETE FROM ONLY {table}")).await?,
            table: format!("{}.{}", shape.schema, shape.name),
        })
    }
}

async fn one(client: &Client, known: &Known, change: &Change) -> Result<()> {
    let Change { id, operation, key, image, .. } = change;
    let (done, word) = match u8::try_from(*operation).unwrap_or_default() {
        b'I' => (client.execute(&known.insert, &[image]).await, "insert into"),
        b'U' => (client.execute(&known.update, &[key, image]).await, "update of"),
        b'D' => (client.execute(&known.delete, &[key]).await, "delete from"),
        b'T' => (client.execute(&known.empty, &[]).await.map(|_| 1), "truncate of"),
        _ => {
            return Err(Error::differs(
                format!("at change {id}, {} had lost a column that the change log wrote down", known.table),
                format!(
                    "the log brings back everything before it: `pyairtable-platform cutover rollback --full --until {id}`"
                ),
            ));
        }
    };
    let touched = done.map_err(Error::sql(format!("applying change {id}, {word} {}", known.table)))?;
    if touched == 1 {
        return Ok(());
    }
    Err(Error::differs(
        format!("change {id}, {word} {}, found {touched} rows instead of one", known.table),
        "the copy is not what the log goes on from, and nothing was switched; the log or the backup was touched: see \
         docs/runbooks/full-rollback.md",
    ))
}

/// `($1)[2]::uuid`
fn value(parameter: u8, at: usize, column: &ShapeColumn) -> String {
    format!("(${parameter}::pg_catalog.text[])[{}]::{}", at + 1, column.kind)
}

fn insert(shape: &Shape, there: &[String]) -> String {
    let both = shape.written().enumerate().filter(|(_, column)| there.contains(&column.name));
    let (names, values): (Vec<String>, Vec<String>) =
        both.map(|(at, column)| (quote(&column.name), value(1, at, column))).unzip();
    let table = shape.quoted();
    if names.is_empty() {
        return format!("INSERT INTO {table} SELECT FROM (SELECT $1::pg_catalog.text[]) unused");
    }
    format!("INSERT INTO {table} ({}) OVERRIDING SYSTEM VALUE VALUES ({})", names.join(", "), values.join(", "))
}

fn update(shape: &Shape, there: &[String]) -> String {
    let both = shape.written().enumerate().filter(|(_, column)| there.contains(&column.name) && !column.fixed);
    let mut sets: Vec<String> =
        both.map(|(at, column)| format!("{} = {}", quote(&column.name), value(2, at, column))).collect();
    if sets.is_empty() {
        sets.extend(shape.columns.first().map(|column| format!("{} = DEFAULT", quote(&column.name))));
    }
    format!(
        "UPDATE ONLY {} SET {} WHERE {} AND ($2::pg_catalog.text[] IS NULL OR true)",
        shape.quoted(),
        sets.join(", "),
        the_row(shape)
    )
}

/// The row that `$1` names. Where nothing names rows it is any one of those that are the same in every letter.
fn the_row(shape: &Shape) -> String {
    let naming = shape.naming();
    let each = naming.iter().enumerate();
    if !shape.key.is_empty() {
        let all: Vec<String> =
            each.map(|(at, column)| format!("{} = {}", quote(&column.name), value(1, at, column))).collect();
        return all.join(" AND ");
    }
    let mut all: Vec<String> = each
        .map(|(at, column)| {
            format!(
                "{} IS NOT DISTINCT FROM ($1::pg_catalog.text[])[{}]",
                as_text(column, &quote(&column.name)),
                at + 1
            )
        })
        .collect();
    all.push("($1::pg_catalog.text[] IS NULL OR true)".to_owned());
    format!("ctid = (SELECT ctid FROM ONLY {} WHERE {} LIMIT 1)", shape.quoted(), all.join(" AND "))
}
