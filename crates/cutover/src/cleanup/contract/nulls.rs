//! Columns that this program always fills, and old services did not (T-43).
//!
//! A validated check says that no row is NULL, so that `SET NOT NULL` need not read the table under its strong lock.

use db::migrate::Way;
use tokio_postgres::Client;

use super::{Change, LeftOut, column, constraint, in_the_way, is_table, piece, reverse};
use crate::Result;

/// Table, how a row is named, and the columns.
const FILLED: &[(&str, &str, &[&str])] = &[
    ("users", "id::text", &["is_active", "email_verified", "created_at", "updated_at"]),
    (
        "user_profiles",
        "id::text",
        &["is_active", "email_verified", "phone_verified", "preferences", "metadata", "created_at", "updated_at"],
    ),
    ("workspaces", "id::text", &["created_at", "updated_at"]),
    ("projects", "id::text", &["created_at", "updated_at"]),
    ("airtable_bases", "id::text", &["sync_enabled", "created_at", "updated_at"]),
    ("workspace_members", "workspace_id::text || '/' || user_id::text", &["joined_at"]),
    ("workspace_audit_logs", "id::text", &["created_at"]),
];

pub(super) async fn plan(client: &Client, changes: &mut Vec<Change>, left: &mut Vec<LeftOut>) -> Result<()> {
    for (table, row, columns) in FILLED {
        if !is_table(client, table).await? {
            continue;
        }
        let mut free = Vec::new();
        for name in *columns {
            if !column(client, table, name).await?.is_some_and(|(_, nullable)| nullable) {
                continue;
            }
            let sql = format!("SELECT {row} FROM {table} WHERE {name} IS NULL ORDER BY 1");
            match in_the_way(client, "rows that have NULL there", &sql).await? {
                Some(why) => left.push(LeftOut { key: format!("{table}: {name} is never NULL"), why }),
                None => free.push(*name),
            }
        }
        if free.is_empty() {
            continue;
        }
        changes.push(change(client, table, &free).await?);
    }
    Ok(())
}

async fn change(client: &Client, table: &'static str, columns: &[&str]) -> Result<Change> {
    let check = format!("{table}_filled");
    let list = |each: &dyn Fn(&str) -> String, between: &str| {
        columns.iter().map(|column| each(column)).collect::<Vec<_>>().join(between)
    };
    let rule = list(&|column| format!("{column} IS NOT NULL"), " AND ");
    let mut pieces = Vec::new();
    // A killed attempt may have left one, perhaps of other columns.
    if constraint(client, table, &check).await?.is_some() {
        pieces.push(piece(table, format!("ALTER TABLE {table} DROP CONSTRAINT {check}"), Way::Brief));
    }
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({rule}) NOT VALID");
    pieces.push(piece(table, add, Way::Brief));
    pieces.push(piece(table, format!("ALTER TABLE {table} VALIDATE CONSTRAINT {check}"), Way::File));
    let set = list(&|column| format!("ALTER {column} SET NOT NULL"), ", ");
    let set = format!("ALTER TABLE {table} {set}; ALTER TABLE {table} DROP CONSTRAINT {check}");
    pieces.push(piece(table, set, Way::Brief));
    let back = list(&|column| format!("ALTER {column} DROP NOT NULL"), ", ");
    let back = format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {check}, {back}");
    let key = format!("{table}: {} never NULL", columns.join(", "));
    Ok(Change { key, pieces, reverse: vec![reverse(table, back)] })
}
