//! What the log knows about a table: which columns its entries have, in which order, and which of them name a row.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::exists;
use crate::digest::{Table, quote};
use crate::{Error, Result};

/// A table as the log knew it from some moment on. One that was altered since has another shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its number, which entries carry.
    pub id: i32,
    /// The table's schema.
    pub schema: String,
    /// The table's name.
    pub name: String,
    /// All columns, by name.
    pub columns: Vec<ShapeColumn>,
    /// The columns that name a row, each at once unique; empty if nothing does: then the whole row names it.
    pub key: Vec<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeColumn {
    /// Its name.
    pub name: String,
    /// Its type, as PostgreSQL writes it.
    pub kind: String,
    /// Whether the server computes it from others, so that nobody may write it.
    pub generated: bool,
    /// Whether an `UPDATE` may not set it: an identity that is always generated.
    pub fixed: bool,
    /// Whether a cast to text would cut blanks off.
    pub padded: bool,
}

impl Shape {
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }

    /// The columns that an entry holds, in this order.
    pub(crate) fn written(&self) -> impl Iterator<Item = &ShapeColumn> {
        self.columns.iter().filter(|column| !column.generated)
    }

    /// The columns of an entry's key, in this order.
    pub(crate) fn naming(&self) -> Vec<&ShapeColumn> {
        if self.key.is_empty() {
            return self.written().collect();
        }
        self.key.iter().filter_map(|name| self.columns.iter().find(|column| &column.name == name)).collect()
    }

    fn has(&self, table: &Table) -> bool {
        let known = |name: &str, kind: &str| self.columns.iter().any(|one| one.name == name && one.kind == kind);
        table.columns.iter().all(|column| known(&column.name, &column.kind))
    }
}

/// How much of a database is captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Captured {
    /// How many tables.
    pub tables: usize,
}

/// As text, because a type is told apart from its arrays and lengths only there. The search path must be empty.
pub(super) async fn of(client: &Client, table: &Table, id: i32) -> Result<Shape> {
    let sql = "SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS kind,
            a.attgenerated <> '' AS generated, a.attidentity = 'a' AS fixed,
            (WITH RECURSIVE of (oid, base) AS (SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
                UNION ALL SELECT t.oid, t.typbasetype FROM of JOIN pg_catalog.pg_type t ON t.oid = of.base)
                SELECT oid FROM of WHERE base = 0) = 'pg_catalog.bpchar'::pg_catalog.regtype AS padded
        FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attname COLLATE \"C\"";
    let name = format!("{}.{}", quote(&table.schema), quote(&table.name));
    let rows = client.query(sql, &[&name]).await.map_err(Error::sql("reading the columns"))?;
    let column = |row: &tokio_postgres::Row| ShapeColumn {
        name: row.get("name"),
        kind: row.get("kind"),
        generated: row.get("generated"),
        fixed: row.get("fixed"),
        padded: row.get("padded"),
    };
    let columns = rows.iter().map(column).collect();
    // A key that may be violated until the end of a statement does not name one row in the middle of it.
    let sql = "SELECT coalesce((SELECT array_agg(a.attname::text ORDER BY k.position)
            FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, position)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE k.position <= i.indnkeyatts), '{}')
        FROM pg_catalog.pg_index i WHERE i.indrelid = pg_catalog.to_regclass($1) AND i.indisunique AND i.indisvalid
        AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = i.indrelid AND NOT a.attnotnull
            AND a.attnum = ANY (i.indkey::int2[]))
        ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1";
    let row = client.query_opt(sql, &[&name]).await.map_err(Error::sql("reading the keys"))?;
    let key = row.map(|row| row.get(0)).unwrap_or_default();
    Ok(Shape { id, schema: table.schema.clone(), name: table.name.clone(), columns, key })
}

/// All shapes that entries may have; none if there is no log.
pub(crate) async fn shapes(client: &Client) -> Result<Vec<Shape>> {
    if !exists(client).await? {
        return Ok(Vec::new());
    }
    let sql = "SELECT id, schema, name, columns::text AS columns, key FROM pyairtable_cutover.shapes ORDER BY id";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the change log's tables"))?;
    let shape = |row: &tokio_postgres::Row| {
        let columns = serde_json::from_str(row.get("columns")).map_err(|error| {
            Error::differs(
                format!("the change log's list of tables cannot be read: {error}"),
                "use the pyairtable-platform that installed it",
            )
        })?;
        let (id, key) = (row.get("id"), row.get("key"));
        Ok(Shape { id, schema: row.get("schema"), name: row.get("name"), columns, key })
    };
    rows.iter().map(shape).collect()
}

/// Those of `tables` whose changes are not all captured as they are now: no trigger, a trigger that somebody disabled, or
/// columns that the trigger does not know.
pub async fn gaps(client: &Client, tables: &[Table]) -> Result<Vec<Table>> {
    let known = shapes(client).await?;
    let sql = "SELECT n.nspname::text, c.relname::text, pg_catalog.max(pg_catalog.substr(f.proname, 7)::integer)
        FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid JOIN pg_catalog.pg_namespace o ON o.oid = f.pronamespace
        WHERE o.nspname = 'pyairtable_cutover' AND f.proname ~ '^shape_[0-9]+$' AND t.tgenabled = 'A'
        GROUP BY 1, 2 HAVING count(*) = 2";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the triggers"))?;
    let captured = |table: &&Table| {
        let found = rows
            .iter()
            .find(|row| (row.get::<_, &str>(0), row.get::<_, &str>(1)) == (table.schema.as_str(), table.name.as_str()));
        let shape = found.and_then(|row| known.iter().find(|shape| shape.id == row.get::<_, i32>(2)));
        shape.is_some_and(|shape| shape.has(table))
    };
    Ok(tables.iter().filter(|table| !captured(table)).cloned().collect())
}
