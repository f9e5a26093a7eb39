//! What the schema had to allow while old services wrote, and need not any more.
//!
//! Only what loses nothing and can be taken back exactly: unique live names and addresses (T-49, T-56), parents that
//! exist, columns that are never NULL (T-43), and old triggers switched off that refuse or discard what is right now
//! (T-45, T-47). What the data does not permit is left out, with the rows that stand in the way, and the rest is done.
//!
//! Deliberately absent: dropping tables, columns, indexes or functions. They cost little and hold what somebody may miss.

mod nulls;
mod parents;
mod step;
mod triggers;
mod unique;

use db::migrate::{Piece, Way};
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

pub use self::step::Contract;
use crate::{Error, Result};

/// Statements that belong together, and those that take them back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its name: the table and what holds for it afterwards.
    pub key: String,
    /// In this order.
    pub pieces: Vec<Piece>,
    /// What takes it back, wherever it got to. Each may be run any number of times.
    pub reverse: Vec<Reverse>,
}

/// A statement that takes something back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reverse {
    /// The table it is about.
    pub table: String,
    /// The statement.
    pub sql: String,
}

/// A change that the data does not permit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Which change.
    pub key: String,
    /// Why, with some of the rows.
    pub why: String,
}

/// What is to be done now, and what cannot be. Only reads.
pub async fn planned(client: &Client) -> Result<(Vec<Change>, Vec<LeftOut>)> {
    let (mut changes, mut left) = (Vec::new(), Vec::new());
    unique::plan(client, &mut changes, &mut left).await?;
    parents::plan(client, &mut changes, &mut left).await?;
    nulls::plan(client, &mut changes, &mut left).await?;
    triggers::plan(client, &mut changes).await?;
    Ok((changes, left))
}

fn piece(table: &'static str, sql: String, way: Way) -> Piece {
    Piece { version: 0, name: "contract", table: Some(table), sql, way }
}

fn reverse(table: &str, sql: String) -> Reverse {
    Reverse { table: table.to_owned(), sql }
}

/// Whether the table is one, and not a view (T-41) or missing.
async fn is_table(client: &Client, table: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'r')";
    Ok(client.query_one(sql, &[&table]).await.map_err(Error::sql("looking for tables"))?.get(0))
}

/// A column's type, and whether it may be NULL; nothing if there is no such column.
async fn column(client: &Client, table: &str, column: &str) -> Result<Option<(String, bool)>> {
    let sql = "SELECT format_type(atttypid, NULL), NOT attnotnull FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attname = $2 AND attnum > 0 AND NOT attisdropped";
    let row = client.query_opt(sql, &[&table, &column]).await.map_err(Error::sql("reading columns"))?;
    Ok(row.map(|row| (row.get(0), row.get(1))))
}

/// Whether a constraint of this name is on the table, and validated.
async fn constraint(client: &Client, table: &str, name: &str) -> Result<Option<bool>> {
    let sql = "SELECT convalidated FROM pg_constraint WHERE conrelid = to_regclass($1) AND conname = $2";
    let row = client.query_opt(sql, &[&table, &name]).await.map_err(Error::sql("reading constraints"))?;
    Ok(row.map(|row| row.get(0)))
}

/// The rows that stand in the way, in words: `sql` gives their keys as text.
async fn in_the_way(client: &Client, what: &str, sql: &str) -> Result<Option<String>> {
    let rows = client.query(&format!("{sql} LIMIT 6"), &[]).await.map_err(Error::sql(format!("looking for {what}")))?;
    let keys: Vec<&str> = rows.iter().take(5).filter_map(|row| row.get(0)).collect();
    let more = if rows.len() > 5 { " and more" } else { "" };
    Ok((!rows.is_empty()).then(|| format!("{what}: {}{more}", keys.join(", "))))
}
