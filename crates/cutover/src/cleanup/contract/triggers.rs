//! Old triggers that would refuse or discard what is right from now on. They are switched off and stay where they are.

use db::migrate::Way;
use tokio_postgres::Client;

use super::{Change, is_table, piece, reverse};
use crate::{Error, Result};

/// Table, the function that is called, and the bit of the event: before INSERT, before UPDATE.
const TRIGGERS: &[(&str, &str, i16)] = &[
    // Ten workspaces, whatever the plan says (T-47, T-48).
    ("workspaces", "check_workspace_quota", 4),
    // Discards every update of a member that it permits (T-45). The one at DELETE stays: it guards the last owner.
    ("workspace_members", "check_workspace_owner", 16),
];

pub(super) async fn plan(client: &Client, changes: &mut Vec<Change>) -> Result<()> {
    for (table, function, event) in TRIGGERS {
        if !is_table(client, table).await? {
            continue;
        }
        let sql = "SELECT quote_ident(t.tgname) FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid
            WHERE t.tgrelid = to_regclass($1) AND NOT t.tgisinternal AND t.tgenabled = 'O' AND f.proname = $2
            AND t.tgtype & $3 <> 0 AND t.tgtype & 8 = 0 ORDER BY 1";
        let rows = client.query(sql, &[table, function, event]).await.map_err(Error::sql("reading triggers"))?;
        for row in rows {
            let name: String = row.get(0);
            let pieces = vec![piece(table, format!("ALTER TABLE {table} DISABLE TRIGGER {name}"), Way::Brief)];
            let back = vec![reverse(table, format!("ALTER TABLE {table} ENABLE TRIGGER {name}"))];
            changes.push(Change { key: format!("{table}: {name} is off"), pieces, reverse: back });
        }
    }
    Ok(())
}
