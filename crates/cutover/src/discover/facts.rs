//! The questions to the catalogs.

use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::SHARED;
use crate::{Error, Result};

/// The server and the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// As the server says it.
    pub version: String,
    /// Its first number.
    pub major: u32,
    /// The database.
    pub database: String,
    /// Its size.
    pub bytes: u64,
    /// Its encoding.
    pub encoding: String,
    /// How it sorts.
    pub collation: String,
    /// How it tells letters apart.
    pub ctype: String,
    /// The time zone that sessions start in.
    pub time_zone: String,
    /// Settings of the database, and of roles in it: `role|setting=value`, the role empty for all.
    pub settings: Vec<String>,
    /// Whether the log-in role sees all rows.
    pub sees_all: bool,
}

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// `table`, `view`, `partitioned` or another word.
    pub kind: String,
    /// Its owner.
    pub owner: String,
    /// How many rows, of tables.
    pub rows: Option<u64>,
    /// How large it is with its indexes.
    pub bytes: u64,
}

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// `schema.table`
    pub relation: String,
    /// Its name.
    pub name: String,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether it may log in.
    pub login: bool,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether row-level security does not apply to it.
    pub bypasses: bool,
    /// How many relations it owns.
    pub owns: u64,
}

impl Role {
    pub(super) fn words(&self) -> String {
        let mut words = vec![self.name.clone()];
        for (is, word) in
            [(self.login, "logs in"), (self.superuser, "superuser"), (self.bypasses, "bypasses row-level security")]
        {
            if is {
                words.push(word.to_owned());
            }
        }
        if self.owns > 0 {
            words.push(format!("owns {}", self.owns));
        }
        words.join(", ")
    }
}

/// Connections that look the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// What the program calls itself.
    pub application: String,
    /// As whom.
    pub role: String,
    /// From where.
    pub address: String,
    /// How many.
    pub count: u64,
    /// How many are in a transaction.
    pub busy: u64,
}

impl Session {
    pub(super) fn words(&self) -> String {
        let name = if self.application.is_empty() { "(no name)" } else { &self.application };
        format!("{name} as {} from {}: {}, {} in a transaction", self.role, self.address, self.count, self.busy)
    }
}

/// What every question about relations has in common.
const OURS: &str = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'pyairtable_cutover')";

pub(super) const EXTENSIONS: &str =
    "SELECT extname || ' ' || extversion FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql' ORDER BY 1";

/// An ORM changes the schema when its service starts, if its role may.
pub(super) const SCHEMA_WRITERS: &str = "
    SELECT pg_catalog.format('%s as %s: %s', coalesce(nullif(a.application_name, ''), '(no name)'), a.usename,
        CASE WHEN r.rolsuper THEN 'is superuser' ELSE 'owns tables here' END)
    FROM pg_catalog.pg_stat_activity a JOIN pg_catalog.pg_roles r ON r.rolname = a.usename
    WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
    AND a.application_name !~ '^pyairtable-(platform|cutover)'
    AND (r.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n
        ON n.oid = c.relnamespace WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')
        AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'))
    GROUP BY 1 ORDER BY 1";

pub(super) async fn server(client: &Client) -> Result<Server> {
    let sql = "SELECT pg_catalog.current_setting('server_version') AS version,
            pg_catalog.current_setting('server_version_num')::int / 10000 AS major, d.datname::text AS database,
            pg_catalog.pg_database_size(d.oid) AS bytes, pg_catalog.pg_encoding_to_char(d.encoding)::text AS encoding,
            d.datcollate::text AS collation, d.datctype::text AS ctype,
            (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'TimeZone') AS zone,
            (SELECT r.rolsuper OR r.rolbypassrls FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) AS sees_all,
            coalesce((SELECT array_agg(coalesce(r.rolname, '') || '|' || setting ORDER BY 1)
                FROM pg_catalog.pg_db_role_setting s LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole,
                LATERAL pg_catalog.unnest(s.setconfig) setting WHERE s.setdatabase = d.oid), '{}') AS settings
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()";
    let row = client.query_one(sql, &[]).await.map_err(Error::sql("asking about the server"))?;
    Ok(Server {
        version: row.get("version"),
        major: row.get::<_, i32>("major").unsigned_abs(),
        database: row.get("database"),
        bytes: row.get::<_, i64>("bytes").unsigned_abs(),
        encoding: row.get("encoding"),
        collation: row.get("collation"),
        ctype: row.get("ctype"),
        time_zone: row.get("zone"),
        settings: row.get("settings"),
        sees_all: row.get("sees_all"),
    })
}

/// Where the shared tables are, and in what form.
pub(super) async fn layout(client: &Client) -> Result<Vec<String>> {
    let sql = "SELECT name, c.relkind::text AS kind, n.nspname::text AS schema,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'workspace_id'
                AND a.atttypid <> 'uuid'::regtype) AS orm,
            EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'display_name') AS wide
        FROM unnest($1::text[]) AS shared (name) LEFT JOIN pg_class c ON c.oid = to_regclass(name)
        LEFT JOIN pg_namespace n ON n.oid = c.relnamespace";
    let names: Vec<&str> = SHARED.to_vec();
    let rows = client.query(sql, &[&names]).await.map_err(Error::sql("looking for the shared tables"))?;
    let mut places = std::collections::BTreeMap::<String, Vec<String>>::new();
    let mut lines = Vec::new();
    let mut missing = Vec::new();
    for row in &rows {
        let name: String = row.get("name");
        let Some(schema) = row.get::<_, Option<String>>("schema") else {
            missing.push(name);
            continue;
        };
        if row.get::<_, Option<&str>>("kind") == Some("v") {
            lines.push(format!("{name} is a view: it is measured through the table below it (T-41)"));
        }
        if name == "projects" && row.get("orm") {
            lines.push("workspace tables are the old ORM's: ids of parents are texts".to_owned());
        }
        if name == "users" && row.get("wide") {
            lines.push("users has the columns of user-service too (T-42)".to_owned());
        }
        places.entry(schema).or_default().push(name);
    }
    for (schema, names) in places {
        lines.insert(0, format!("in {schema}: {}", names.join(", ")));
    }
    if !missing.is_empty() {
        lines.push(format!("not found through search_path: {}", missing.join(", ")));
    }
    Ok(lines)
}

pub(super) async fn relations(client: &Client) -> Result<Vec<Relation>> {
    let sql = format!(
        "SELECT n.nspname::text AS schema, c.relname::text AS name, pg_catalog.pg_get_userbyid(c.relowner)::text AS owner,
            CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                WHEN 'p' THEN 'partitioned' ELSE 'foreign table' END AS kind,
            pg_catalog.pg_total_relation_size(c.oid) AS bytes, pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND c.relpersistence <> 't' AND {OURS}
        ORDER BY n.nspname COLLATE \"C\", c.relname COLLATE \"C\""
    );
    let mut all = Vec::new();
    for row in client.query(&sql, &[]).await.map_err(Error::sql("reading the relations"))? {
        let kind: String = row.get("kind");
        let mut rows = None;
        if kind == "table" {
            let quoted: &str = row.get("quoted");
            let sql = format!("SELECT count(*) FROM ONLY {quoted}");
            let row = client.query_one(&sql, &[]).await.map_err(Error::sql(format!("counting {quoted}")))?;
            rows = Some(row.get::<_, i64>(0).unsigned_abs());
        }
        all.push(Relation {
            schema: row.get("schema"),
            name: row.get("name"),
            kind,
            owner: row.get("owner"),
            rows,
            bytes: row.get::<_, i64>("bytes").unsigned_abs(),
        });
    }
    Ok(all)
}

pub(super) async fn triggers(client: &Client) -> Result<Vec<Trigger>> {
    let sql = format!(
        "SELECT n.nspname || '.' || c.relname AS relation, t.tgname::text AS name
        FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT t.tgisinternal
        AND t.tgname !~ '^!pyairtable_capture' AND {OURS} ORDER BY 1, 2"
    );
    let rows = client.query(&sql, &[]).await.map_err(Error::sql("reading the triggers"))?;
    Ok(rows.iter().map(|row| Trigger { relation: row.get("relation"), name: row.get("name") }).collect())
}

pub(super) async fn roles(client: &Client) -> Result<Vec<Role>> {
    let sql = format!(
        "SELECT r.rolname::text AS name, r.rolcanlogin AS login, r.rolsuper AS super, r.rolbypassrls AS bypasses,
            (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relowner = r.oid AND c.relkind IN ('r', 'v', 'm', 'p') AND {OURS}) AS owns
        FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname"
    );
    let rows = client.query(&sql, &[]).await.map_err(Error::sql("reading the roles"))?;
    let role = |row: &tokio_postgres::Row| Role {
        name: row.get("name"),
        login: row.get("login"),
        superuser: row.get("super"),
        bypasses: row.get("bypasses"),
        owns: row.get::<_, i64>("owns").unsigned_abs(),
    };
    Ok(rows.iter().map(role).collect())
}

pub(super) async fn sessions(client: &Client) -> Result<Vec<Session>> {
    let sql = "SELECT coalesce(application_name, '') AS application, usename::text AS role,
            coalesce(pg_catalog.host(client_addr), 'a local socket') AS address, count(*) AS count,
            count(*) FILTER (WHERE xact_start IS NOT NULL) AS busy
        FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND usename IS NOT NULL
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the sessions"))?;
    let session = |row: &tokio_postgres::Row| Session {
        application: row.get("application"),
        role: row.get("role"),
        address: row.get("address"),
        count: row.get::<_, i64>("count").unsigned_abs(),
        busy: row.get::<_, i64>("busy").unsigned_abs(),
    };
    Ok(rows.iter().map(session).collect())
}

/// The tables of migration runners that are known, with their newest entry.
pub(super) async fn migrations(client: &Client, relations: &[Relation]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for (name, newest) in [
        ("platform_migrations", "max(version)::text"),
        ("schema_migrations", "max(version)::text"),
        ("goose_db_version", "max(version_id)::text"),
        ("alembic_version", "max(version_num)::text"),
        ("gorm_migrations", "max(id)::text"),
    ] {
        for relation in relations.iter().filter(|relation| relation.name == name && relation.kind == "table") {
            let place = format!("{}.{name}", relation.schema);
            let sql = format!("SELECT {newest} FROM \"{}\".{name}", relation.schema.replace('"', "\"\""));
            // Somebody's own table of that name may have other columns.
            let newest = match client.query_one(&sql, &[]).await {
                Ok(row) => row.get::<_, Option<String>>(0).unwrap_or_else(|| "nothing".to_owned()),
                Err(_) => "unreadable".to_owned(),
            };
            lines.push(format!("{place} at {newest}"));
        }
    }
    Ok(lines)
}

/// Databases named after this one, as where each service has its own.
pub(super) async fn other_databases(client: &Client, database: &str) -> Result<Vec<String>> {
    let sql = "SELECT datname::text FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> $1
        AND pg_catalog.starts_with(datname, $1 || '_') ORDER BY 1";
    let rows = client.query(sql, &[&database]).await.map_err(Error::sql("reading the databases"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(super) async fn texts(client: &Client, sql: &str) -> Result<Vec<String>> {
    let rows = client.query(sql, &[]).await.map_err(Error::sql("reading the catalogs"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
