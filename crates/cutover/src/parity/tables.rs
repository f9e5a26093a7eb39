//! Which tables and columns are compared: all but those that only this program knows. The expansion adds the latter to
//! both clones, and the old services leave them empty.

use tokio_postgres::Client;

use super::capture::SCHEMA;
use crate::backup::Manifest;
use crate::digest;
use crate::{Error, Result};

/// Tables that only this program writes. A test holds this list against a migrated database.
pub const OWN_TABLES: &[&str] = &[
    "account_changes",
    "audit_events",
    "idempotency_keys",
    "invitations",
    "jobs",
    "login_sessions",
    "notification_channel_codes",
    "notification_channels",
    "notification_digest_items",
    "notification_digests",
    "notification_feeds",
    "notification_mails",
    "notification_preferences",
    "notification_templates",
    "platform_migrations",
    "tenant_suspended_users",
    "user_notifications",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "workspace_audit_seals",
];

/// Tables that the old services had, or may have had.
pub const SHARED_TABLES: &[&str] = &[
    "airtable_bases",
    "projects",
    "refresh_tokens",
    "tenants",
    "user_profiles",
    "users",
    "workspace_audit_logs",
    "workspace_members",
    "workspaces",
];

/// Columns that only this program writes, of tables that both know.
pub const OWN_COLUMNS: &[(&str, &str)] =
    &[("refresh_tokens", "session_id"), ("refresh_tokens", "rotated_at"), ("refresh_tokens", "successor_nonce")];

/// A table that is compared.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// `schema.table`
    pub(super) name: String,
    pub(super) quoted: String,
    /// Columns that name a row, with their types.
    pub(super) key: Vec<(String, String)>,
    /// What is compared, with the types.
    pub(super) columns: Vec<(String, String)>,
}

pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All tables of a clone that are compared. What the expansion added to a table of the backup is this program's own.
pub(super) async fn watched(client: &Client, manifest: &Manifest) -> Result<Vec<Watched>> {
    let tables = digest::tables(client).await?;
    let shared =
        tables.into_iter().filter(|table| table.schema != SCHEMA && !OWN_TABLES.contains(&table.name.as_str()));
    Ok(shared
        .map(|table| {
            let before = manifest.tables.iter().find(|before| before.shown() == table.shown());
            let added =
                |column: &str| before.is_some_and(|table| table.columns.iter().all(|known| known.name != column));
            let own = |column: &str| OWN_COLUMNS.contains(&(table.name.as_str(), column)) || added(column);
            let columns = table.columns.iter().filter(|column| !own(&column.name));
            let columns: Vec<_> = columns.map(|column| (column.name.clone(), column.kind.clone())).collect();
            let kind = |name: &String| columns.iter().find(|(column, _)| column == name).cloned();
            Watched {
                name: table.shown(),
                quoted: format!("{}.{}", quote(&table.schema), quote(&table.name)),
                key: table.key.iter().filter_map(kind).collect(),
                columns,
            }
        })
        .collect())
}

/// A row's values as texts, in the order of the table's columns.
pub(super) type Values = Vec<Option<String>>;

impl Watched {
    /// The row of that key, if it is there. The session must have been set up by [`digest::SESSION`].
    pub(super) async fn row(&self, client: &Client, key: &[String]) -> Result<Option<Values>> {
        let columns: Vec<String> =
            self.columns.iter().map(|(name, _)| format!("{}::pg_catalog.text", quote(name))).collect();
        let conditions: Vec<String> = (1..)
            .zip(&self.key)
            .map(|(at, (name, kind))| format!("{} = ${at}::pg_catalog.text::{kind}", quote(name)))
            .collect();
        let sql = format!("SELECT {} FROM ONLY {} WHERE {}", columns.join(", "), self.quoted, conditions.join(" AND "));
        let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
            key.iter().map(|part| part as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
        let row = client.query_opt(&sql, &parameters).await.map_err(Error::sql(format!("reading {}", self.name)))?;
        Ok(row.map(|row| (0..row.len()).map(|at| row.get(at)).collect()))
    }
}
