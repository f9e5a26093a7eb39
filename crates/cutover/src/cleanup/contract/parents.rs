//! Foreign keys that a fresh database has and an old one may lack: parents that exist.

use db::migrate::Way;
use tokio_postgres::Client;

use super::{Change, LeftOut, column, constraint, in_the_way, is_table, piece, reverse};
use crate::{Error, Result};

/// Table, column, parent, and how a row is named.
const PARENTS: &[(&str, &str, &str, &str)] = &[
    ("projects", "workspace_id", "workspaces", "c.id::text"),
    ("airtable_bases", "project_id", "projects", "c.id::text"),
    ("workspace_members", "workspace_id", "workspaces", "c.workspace_id::text || '/' || c.user_id::text"),
    ("workspace_audit_logs", "workspace_id", "workspaces", "c.id::text"),
];

pub(super) async fn plan(client: &Client, changes: &mut Vec<Change>, left: &mut Vec<LeftOut>) -> Result<()> {
    for (table, child, parent, row) in PARENTS {
        if !is_table(client, table).await? || !is_table(client, parent).await? || has_one(client, table, child).await? {
            continue;
        }
        let Some((kind, _)) = column(client, table, child).await? else { continue };
        let key = format!("{table}: {child} of {parent}");
        if kind != "uuid" {
            let why = format!("{child} is {kind}, and retyping it would rewrite the table");
            left.push(LeftOut { key, why });
            continue;
        }
        let orphans = format!(
            "SELECT {row} FROM {table} c WHERE NOT EXISTS (SELECT FROM {parent} p WHERE p.id = c.{child}) ORDER BY 1"
        );
        if let Some(why) = in_the_way(client, "rows without a parent", &orphans).await? {
            left.push(LeftOut { key, why });
            continue;
        }
        let name = format!("{table}_{child}_fkey");
        let mut pieces = Vec::new();
        if constraint(client, table, &name).await?.is_none() {
            let sql = format!(
                "ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({child}) REFERENCES {parent} ON DELETE CASCADE NOT VALID"
            );
            pieces.push(piece(table, sql, Way::Brief));
        }
        pieces.push(piece(table, format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"), Way::File));
        let back = vec![reverse(table, format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}"))];
        changes.push(Change { key, pieces, reverse: back });
    }
    Ok(())
}

/// Whether a validated foreign key is on the column, whatever it is called.
async fn has_one(client: &Client, table: &str, child: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid
        WHERE k.conrelid = to_regclass($1) AND k.contype = 'f' AND k.convalidated AND a.attname = $2
        AND k.conkey = ARRAY[a.attnum])";
    Ok(client.query_one(sql, &[&table, &child]).await.map_err(Error::sql("reading foreign keys"))?.get(0))
}
