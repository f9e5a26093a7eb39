//! What there is to do to a database, statement by statement, worked out from its catalogs alone.
//!
//! A migration's file does everything in one transaction, which on new tables disturbs nobody. What it would do to tables
//! that services use already is taken out of it here: each such statement runs before the file, in a transaction of its
//! own, so that no lock is held while another is waited for. The files ask what is there, find it done, and leave the
//! table alone.

use tokio_postgres::Client;

use super::indexes::{INDEXES, Index};
use super::{HISTORY_TABLE, MIGRATIONS, MigrateError, Migration, applied, check, checksum, run};
use crate::{Error, SYSTEM_ROLE};

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In a transaction of its own that waits 25 ms for its lock and is given up when it holds it for 50 ms.
    Brief,
    /// Outside transactions; it takes its time and stops nobody. What a killed one left is removed first.
    Concurrently {
        /// The index it builds.
        index: &'static str,
    },
    /// A migration's file with its record, in one transaction that waits 25 ms for any lock.
    File,
}

/// One statement, or a few that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The migration that it is part of; 0 for the record of migrations itself.
    pub version: i32,
    /// The migration's name.
    pub name: &'static str,
    /// The table it locks, if services may be using one.
    pub table: Option<&'static str>,
    /// What is executed, without the transaction around it.
    pub sql: String,
    /// How.
    pub way: Way,
}

/// What is to be had: the schema alone, or also the indexes that take time on a table with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What the program needs to serve.
    Schema,
    /// And what it needs to be fast.
    Everything,
}

/// What a table is now.
struct Table {
    kind: i8,
    secured: bool,
    protected: bool,
    empty: bool,
}

/// The tables that old services may have made, the migration that protects each, and which rows are a tenant's.
const PROTECTED: &[(i32, &str, Tenancy)] = &[
    (2, "tenants", Tenancy::Column("id")),
    (3, "users", Tenancy::Column("tenant_id")),
    (3, "user_profiles", Tenancy::Column("tenant_id")),
    (7, "workspaces", Tenancy::Column("tenant_id")),
    (7, "projects", Tenancy::Workspace),
    (7, "workspace_members", Tenancy::Workspace),
    (7, "workspace_audit_logs", Tenancy::Workspace),
    (7, "airtable_bases", Tenancy::Project),
];

/// As in `platform_protect` and V7; a test compares what either way leaves.
enum Tenancy {
    Column(&'static str),
    Workspace,
    Project,
}

/// Everything still to do, in order.
pub(super) async fn plan(client: &Client, extent: Extent) -> Result<Vec<Piece>, MigrateError> {
    let done = applied(client).await?;
    check(&done)?;
    let mut pieces = Vec::new();
    let history = run(client, "SELECT to_regclass('platform_migrations') IS NULL", &[]).await?;
    if history.first().is_some_and(|row| row.get(0)) {
        pieces.push(brief(0, "history", None, HISTORY_TABLE.to_owned()));
    }
    let mut files = 0;
    for migration in MIGRATIONS {
        let pending = !done.iter().any(|row| row.version == migration.version);
        if pending {
            protections(client, migration, &mut pieces).await?;
            columns(client, migration, &mut pieces).await?;
        }
        for index in INDEXES.iter().filter(|index| index.version == migration.version) {
            if (extent == Extent::Everything || index.by_file && pending) && wanted(client, index, extent).await? {
                pieces.push(concurrently(migration, index));
            }
        }
        if pending {
            files += 1;
            pieces.push(file(migration));
        }
    }
    if files > 0 {
        // Who serves with a role that owns nothing still has to see that nothing is missing.
        let grant = format!("GRANT SELECT ON platform_migrations TO {SYSTEM_ROLE}");
        pieces.push(brief(0, "history", None, grant));
    }
    Ok(pieces)
}

fn brief(version: i32, name: &'static str, table: Option<&'static str>, sql: String) -> Piece {
    Piece { version, name, table, sql, way: Way::Brief }
}

fn file(migration: &Migration) -> Piece {
    let sql = format!(
        "{}\n; INSERT INTO platform_migrations (version, name, checksum, applied_by) VALUES ({}, '{}', '{}', '{}')",
        migration.sql,
        migration.version,
        migration.name,
        checksum(migration.sql),
        env!("CARGO_PKG_VERSION"),
    );
    Piece { version: migration.version, name: migration.name, table: None, sql, way: Way::File }
}

fn concurrently(migration: &Migration, index: &Index) -> Piece {
    Piece {
        version: migration.version,
        name: migration.name,
        table: Some(index.table),
        // No IF NOT EXISTS: it would take an index that a killed build left for a good one.
        sql: format!("CREATE INDEX CONCURRENTLY {} ON {} {}", index.name, index.table, index.keys),
        way: Way::Concurrently { index: index.name },
    }
}

/// Row-level security on tables that are there before their migration is.
async fn protections(client: &Client, migration: &Migration, pieces: &mut Vec<Piece>) -> Result<(), Error> {
    for (_, table, tenancy) in PROTECTED.iter().filter(|(version, ..)| *version == migration.version) {
        let Some(found) = look(client, table).await? else { continue };
        if !found.is_table() || found.protected {
            continue;
        }
        let Some(predicate) = predicate(client, table, tenancy).await? else { continue };
        let to = if found.secured { "pyairtable_app, pyairtable_system" } else { "PUBLIC" };
        let sql = format!(
            "CREATE POLICY platform_access ON {table} AS PERMISSIVE FOR ALL TO {to} USING (true) WITH CHECK (true);\n\
             CREATE POLICY platform_tenant ON {table} AS RESTRICTIVE FOR ALL TO pyairtable_app\n    \
             USING ({predicate})\n    WITH CHECK ({predicate});\n\
             ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        );
        pieces.push(brief(migration.version, migration.name, Some(table), sql));
    }
    Ok(())
}

/// Which rows are the tenant's; nothing if the tables that decide it are not there yet.
async fn predicate(client: &Client, table: &str, tenancy: &Tenancy) -> Result<Option<String>, Error> {
    let of_workspace = "w.tenant_id::text = current_setting('app.tenant_id', true)";
    let all_there = match tenancy {
        Tenancy::Column(column) => {
            let Some(kind) = column_type(client, table, column).await? else { return Ok(None) };
            return Ok(Some(if kind == "uuid" {
                format!("{column} = nullif(current_setting('app.tenant_id', true), '')::uuid")
            } else {
                format!("{column}::text = current_setting('app.tenant_id', true)")
            }));
        }
        Tenancy::Workspace => look(client, "workspaces").await?.is_some(),
        Tenancy::Project => look(client, "workspaces").await?.is_some() && look(client, "projects").await?.is_some(),
    };
    Ok(all_there.then(|| match tenancy {
        Tenancy::Project => format!(
            "EXISTS (SELECT FROM projects p JOIN workspaces w ON w.id = p.workspace_id::uuid \
             WHERE p.id = {table}.project_id::uuid AND {of_workspace})"
        ),
        _ => format!("EXISTS (SELECT FROM workspaces w WHERE w.id = {table}.workspace_id::uuid AND {of_workspace})"),
    }))
}

/// Columns that files add to tables which may have rows: nullable, or with a constant default.
const COLUMNS: &[(i32, &str, &str, &str)] = &[
    (4, "refresh_tokens", "session_id", "uuid"),
    (4, "refresh_tokens", "rotated_at", "timestamptz"),
    (4, "refresh_tokens", "successor_nonce", "bytea"),
    (6, "tenants", "plan", "varchar(50) NOT NULL DEFAULT 'free'"),
    (6, "tenants", "status", "varchar(20) NOT NULL DEFAULT 'active'"),
    (6, "tenants", "is_active", "boolean NOT NULL DEFAULT true"),
    (6, "tenants", "settings", "jsonb NOT NULL DEFAULT '{}'"),
    (6, "tenants", "subscription", "jsonb NOT NULL DEFAULT '{}'"),
    (6, "tenants", "metadata", "jsonb NOT NULL DEFAULT '{}'"),
    (6, "tenants", "created_at", "timestamptz NOT NULL DEFAULT now()"),
    (6, "tenants", "updated_at", "timestamptz NOT NULL DEFAULT now()"),
    (6, "tenants", "deleted_at", "timestamptz"),
];

async fn columns(client: &Client, migration: &Migration, pieces: &mut Vec<Piece>) -> Result<(), Error> {
    for table in ["refresh_tokens", "tenants"] {
        if !look(client, table).await?.is_some_and(|found| found.is_table()) {
            continue;
        }
        let mut missing = Vec::new();
        for (_, _, column, definition) in
            COLUMNS.iter().filter(|(version, of, ..)| *version == migration.version && *of == table)
        {
            if column_type(client, table, column).await?.is_none() {
                missing.push(format!("ADD COLUMN {column} {definition}"));
            }
        }
        if !missing.is_empty() {
            let sql = format!("ALTER TABLE {table}\n    {}", missing.join(",\n    "));
            pieces.push(brief(migration.version, migration.name, Some(table), sql));
        }
    }
    Ok(())
}

/// Whether an index is to be built on a table that is there: neither it nor its like exists, valid.
async fn wanted(client: &Client, index: &Index, extent: Extent) -> Result<bool, Error> {
    const LIKE: &str = "SELECT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = to_regclass($1) AND i.indisvalid
        AND regexp_replace(regexp_replace(pg_get_indexdef(i.indexrelid), '\\s+', ' ', 'g'), '^.*? (USING .*)$', '\\1') = $2)";
    let Some(found) = look(client, index.table).await? else { return Ok(false) };
    // On an empty table the file's own way is as good, and waits for nobody's snapshot.
    if found.kind != b'r'.cast_signed() || found.empty && extent == Extent::Schema {
        return Ok(false);
    }
    if let Some(column) = index.uuid
        && column_type(client, index.table, column).await?.as_deref() != Some("uuid")
    {
        return Ok(false);
    }
    let like = run(client, LIKE, &[&index.table, &index.keys]).await?;
    Ok(!like.first().is_some_and(|row| row.get(0)))
}

impl Table {
    const fn is_table(&self) -> bool {
        matches!(self.kind.cast_unsigned(), b'r' | b'p')
    }
}

async fn look(client: &Client, table: &str) -> Result<Option<Table>, Error> {
    // pg_relation_size and not a read of the table: a catalog alone can be asked without a right on the rows.
    const SQL: &str = "SELECT c.relkind, c.relrowsecurity,
            EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid AND polname = 'platform_tenant'),
            c.relkind = 'r' AND pg_relation_size(c.oid) = 0
        FROM pg_class c WHERE c.oid = to_regclass($1)";
    let rows = run(client, SQL, &[&table]).await?;
    Ok(rows.first().map(|row| Table {
        kind: row.get(0),
        secured: row.get(1),
        protected: row.get(2),
        empty: row.get(3),
    }))
}

async fn column_type(client: &Client, table: &str, column: &str) -> Result<Option<String>, Error> {
    const SQL: &str = "SELECT format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attname = $2 AND attnum > 0 AND NOT attisdropped";
    Ok(run(client, SQL, &[&table, &column]).await?.first().map(|row| row.get(0)))
}
