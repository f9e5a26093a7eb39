//! Names and addresses that only one live row may have.

use db::migrate::Way;
use tokio_postgres::Client;

use super::{Change, LeftOut, column, in_the_way, is_table, piece, reverse};
use crate::{Error, Result};

struct Unique {
    table: &'static str,
    index: &'static str,
    needs: &'static [&'static str],
    /// All after the table's name.
    keys: &'static str,
    /// The keys of rows that have the same as another.
    doubled: &'static str,
}

const UNIQUE: &[Unique] = &[
    Unique {
        table: "workspaces",
        index: "workspaces_live_name_key",
        needs: &["tenant_id", "name", "deleted_at"],
        keys: "(tenant_id, name) WHERE deleted_at IS NULL",
        doubled: "SELECT id::text FROM (SELECT id, count(*) OVER (PARTITION BY tenant_id, name) AS n FROM workspaces
            WHERE deleted_at IS NULL) d WHERE n > 1 ORDER BY 1",
    },
    Unique {
        table: "projects",
        index: "projects_live_name_key",
        needs: &["workspace_id", "name", "deleted_at"],
        keys: "(workspace_id, name) WHERE deleted_at IS NULL",
        doubled: "SELECT id::text FROM (SELECT id, count(*) OVER (PARTITION BY workspace_id, name) AS n FROM projects
            WHERE deleted_at IS NULL) d WHERE n > 1 ORDER BY 1",
    },
    Unique {
        table: "airtable_bases",
        index: "airtable_bases_live_base_key",
        needs: &["project_id", "base_id", "deleted_at"],
        keys: "(project_id, base_id) WHERE deleted_at IS NULL",
        doubled:
            "SELECT id::text FROM (SELECT id, count(*) OVER (PARTITION BY project_id, base_id) AS n FROM airtable_bases
            WHERE deleted_at IS NULL) d WHERE n > 1 ORDER BY 1",
    },
    Unique {
        table: "users",
        index: "users_email_folded_key",
        needs: &["email"],
        keys: "(lower(email COLLATE \"C\"))",
        doubled:
            "SELECT id::text FROM (SELECT id, count(*) OVER (PARTITION BY lower(email COLLATE \"C\")) AS n FROM users
            WHERE email IS NOT NULL) d WHERE n > 1 ORDER BY 1",
    },
];

pub(super) async fn plan(client: &Client, changes: &mut Vec<Change>, left: &mut Vec<LeftOut>) -> Result<()> {
    for Unique { table, index, needs, keys, doubled } in UNIQUE {
        if !is_table(client, table).await? || valid(client, table, index).await? {
            continue;
        }
        let mut all_there = true;
        for needed in *needs {
            all_there &= column(client, table, needed).await?.is_some();
        }
        if !all_there {
            continue;
        }
        let key = format!("{table}: {index}");
        if let Some(why) = in_the_way(client, "rows of the same name or address", doubled).await? {
            left.push(LeftOut { key, why });
            continue;
        }
        let sql = format!("CREATE UNIQUE INDEX CONCURRENTLY {index} ON {table} {keys}");
        let pieces = vec![piece(table, sql, Way::Concurrently { index })];
        let back = vec![reverse(table, format!("DROP INDEX IF EXISTS {index}"))];
        changes.push(Change { key, pieces, reverse: back });
    }
    Ok(())
}

async fn valid(client: &Client, table: &str, index: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE i.indrelid = to_regclass($1) AND c.relname = $2 AND i.indisvalid AND i.indisready)";
    Ok(client.query_one(sql, &[&table, &index]).await.map_err(Error::sql("reading indexes"))?.get(0))
}
