//! Whose rows are whose, in every table there is.

use std::collections::BTreeMap;

use tokio_postgres::Client;

/// Stands in every text of the other tenant's rows and nowhere else.
pub(crate) const MARKER: &str = "zqxjkvbw";

/// Tables whose rows belong to no tenant. A key is its caller's, who may have none yet; what was answered is sealed, and
/// tenant transactions cannot read it.
const NOBODYS: [&str; 2] = ["platform_migrations", "idempotency_keys"];

/// A table with rows of tenants.
pub(crate) struct Table {
    pub(crate) name: String,
    /// The column that says whose a row is, if it says so itself.
    pub(crate) column: Option<&'static str>,
    /// The tenant of a row `t`, as text.
    pub(crate) whose: &'static str,
}

impl Table {
    fn of(name: String, says_whose: bool) -> Self {
        let (column, whose) = match name.as_str() {
            "tenants" => (Some("id"), "t.id::text"),
            _ if says_whose => (Some("tenant_id"), "t.tenant_id::text"),
            "projects" | "workspace_members" | "workspace_audit_logs" => {
                (None, "(SELECT w.tenant_id FROM workspaces w WHERE w.id = t.workspace_id)")
            }
            "airtable_bases" => (
                None,
                "(SELECT w.tenant_id FROM projects p JOIN workspaces w ON w.id = p.workspace_id
                  WHERE p.id = t.project_id)",
            ),
            "refresh_tokens" => (None, "(SELECT u.tenant_id::text FROM users u WHERE u.id = t.user_id)"),
            _ => panic!("say here whose the rows of {name} are"),
        };
        Self { name, column, whose }
    }

    async fn rows_of(&self, database: &Client, tenant: &str) -> String {
        let Self { name, whose, .. } = self;
        let sql = format!(
            "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {name} t WHERE {whose} = $1"
        );
        database.query_one(&sql, &[&tenant]).await.unwrap().get(0)
    }
}

/// Every table with rows of tenants.
pub(crate) async fn tenant_tables(database: &Client) -> Vec<Table> {
    let rows = database
        .query(
            "SELECT c.oid::regclass::text, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
                 AND a.attname = 'tenant_id' AND NOT a.attisdropped)
             FROM pg_class c
             WHERE c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
             ORDER BY 1",
            &[],
        )
        .await
        .unwrap();
    let named = rows.iter().map(|row| (row.get::<_, String>(0), row.get(1)));
    let tables: Vec<_> = named
        .filter(|(name, _)| !NOBODYS.contains(&name.as_str()))
        .map(|(name, says_whose)| Table::of(name, says_whose))
        .collect();
    assert!(tables.len() >= 13, "{}", tables.len());
    tables
}

/// Writes the marker into the text and JSON columns of the tenant's rows: not into ids and slugs, which requests name, and
/// not where a CHECK lists the words.
pub(crate) async fn mark(database: &Client, tenant: &str) {
    for table in tenant_tables(database).await {
        assert!(!table.rows_of(database, tenant).await.is_empty(), "{}: give Belongings a row in it", table.name);
        let columns = database
            .query(
                "SELECT attname::text, atttypid::regtype::text FROM pg_attribute
                 WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
                   AND atttypid::regtype::text IN ('text', 'character varying', 'json', 'jsonb')
                   AND attname NOT IN ('tenant_id', 'user_id', 'workspace_id', 'project_id', 'created_by', 'slug', 'token_hash')
                   AND (attname = 'email' OR NOT EXISTS (SELECT FROM pg_constraint
                       WHERE conrelid = attrelid AND contype = 'c' AND attnum = ANY (conkey)))",
                &[&table.name],
            )
            .await
            .unwrap();
        let Table { name, whose, .. } = &table;
        for column in &columns {
            let (column, kind): (&str, &str) = (column.get(0), column.get(1));
            let value = match (column, kind) {
                (_, "json" | "jsonb") => format!("'{{\"username\": \"{MARKER}\"}}'::{kind}"),
                ("email", _) => format!("'{MARKER}.' || t.id || '@example.com'"),
                _ => format!("'{MARKER}'"),
            };
            let sql = format!("UPDATE {name} t SET {column} = {value} WHERE {whose} = '{tenant}'");
            database.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        }
        let marked = table.rows_of(database, tenant).await.contains(MARKER);
        assert_eq!(marked, !columns.is_empty(), "{name}");
    }
}

/// The tenant's rows, by table.
pub(crate) async fn all_rows_of(database: &Client, tenant: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for table in tenant_tables(database).await {
        all.insert(table.name.clone(), table.rows_of(database, tenant).await);
    }
    all
}
