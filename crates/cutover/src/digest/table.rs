//! Which tables there are, with which columns, and how each value is brought into a form that can be hashed exactly.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use crate::{Error, Result};

/// A table as it was found first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns by name.
    pub columns: Vec<Column>,
    /// The columns that name a row; empty if nothing does.
    pub key: Vec<String>,
    /// How many rows the planner believes in; for progress only.
    pub estimate: u64,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as PostgreSQL writes it.
    pub kind: String,
    /// The expression whose hash stands for the value.
    pub exact: String,
}

impl Table {
    /// `schema.table` for people.
    pub fn shown(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }

    pub(super) fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether ranges of the key mean the same wherever they are compared. The operators of types that extensions bring
    /// are found through the search path, so they are left out.
    pub(super) fn has_ranges(&self) -> bool {
        let plain = |name: &String| self.column(name).is_some_and(|column| RANGES.contains(&base(&column.kind)));
        !self.key.is_empty() && self.key.iter().all(plain)
    }
}

/// Types whose keys are read in ranges.
const RANGES: &[&str] = &[
    "uuid",
    "text",
    "character varying",
    "smallint",
    "integer",
    "bigint",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
];

/// `character varying(255)` without what stands in parentheses.
fn base(kind: &str) -> &str {
    kind.split('(').next().unwrap_or(kind)
}

pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Ordinary tables outside PostgreSQL's own schemas and the change log's; partitions one by one. Columns by name, keys by position.
const SQL: &str = "
    SELECT n.nspname::text AS schema, c.relname::text AS name, greatest(c.reltuples, 0)::bigint AS estimate,
        coalesce((SELECT array_agg(a.attname::text ORDER BY k.position)
            FROM pg_catalog.unnest(key.indkey::int2[]) WITH ORDINALITY k (attnum, position)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
            WHERE k.position <= key.indnkeyatts), '{}') AS key
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL (SELECT i.indkey, i.indnkeyatts FROM pg_catalog.pg_index i
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attnotnull
            AND a.attnum = ANY (i.indkey::int2[]))
        ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1) key ON true
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
    AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pyairtable_cutover')
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e'
        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass)
    ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\"";

/// What is sent for a column. PostgreSQL's own types have one binary form each, whatever the session's settings. The
/// form of a type that an extension or a user made is taken from its own function, because around it stands the type's
/// id, which another database numbers otherwise. Within arrays of such types it stands too, so their elements are taken
/// as texts.
const COLUMNS: &str = "
    SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS kind,
        b.oid < 16384 AND b.oid = a.atttypid AS built_in, b.typtype::text AS sort,
        CASE WHEN f.oid IS NOT NULL THEN pg_catalog.format('%I.%I', fn.nspname, f.proname) END AS send, b.typelem <> 0 AND b.typlen = -1 AS is_array,
        b.typelem >= 16384 AS own_elements
    FROM pg_catalog.pg_attribute a
    JOIN LATERAL (WITH RECURSIVE of (oid, base) AS (
            SELECT t.oid, t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
            UNION ALL SELECT t.oid, t.typbasetype FROM of JOIN pg_catalog.pg_type t ON t.oid = of.base)
        SELECT t.* FROM of JOIN pg_catalog.pg_type t ON t.oid = of.oid WHERE of.base = 0) b ON true
    LEFT JOIN pg_catalog.pg_proc f ON f.oid = b.typsend
    LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
    WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attname COLLATE \"C\"";

/// All tables of the database, the new program's own included.
pub async fn tables(client: &Client) -> Result<Vec<Table>> {
    let mut all = Vec::new();
    for row in client.query(SQL, &[]).await.map_err(Error::sql("reading the tables"))? {
        let estimate: i64 = row.get("estimate");
        let mut table = Table {
            schema: row.get("schema"),
            name: row.get("name"),
            columns: Vec::new(),
            key: row.get("key"),
            estimate: estimate.unsigned_abs(),
        };
        let rows = client.query(COLUMNS, &[&table.quoted()]).await.map_err(Error::sql("reading the columns"))?;
        table.columns = rows.iter().map(column).collect();
        all.push(table);
    }
    Ok(all)
}

fn column(row: &tokio_postgres::Row) -> Column {
    let name: String = row.get("name");
    let sort: &str = row.get("sort");
    let (is_array, own): (bool, bool) = (row.get("is_array"), row.get("own_elements"));
    let (built_in, send): (bool, Option<&str>) = (row.get("built_in"), row.get("send"));
    let value = quote(&name);
    let exact = match send {
        _ if is_array && own => format!("{value}::pg_catalog.text[]"),
        // Composite types are sent with the ids of their columns' types.
        _ if sort == "c" => format!("{value}::pg_catalog.text"),
        Some(_) if built_in => value,
        Some(send) => format!("{send}({value})"),
        None => format!("{value}::pg_catalog.text"),
    };
    Column { name, kind: row.get("kind"), exact }
}
