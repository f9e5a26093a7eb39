//! How many workspaces and projects a tenant has. The tables are the workspaces slice's and older than this program;
//! where a database has none of them, a tenant has none.
//!
//! Not declared with `statements!`: these cannot be prepared where the tables are missing.

use db::{FromRow, Row, Sql, Tx, get};
use kernel::TenantId;

const TABLES_EXIST: Sql = Sql::fixed(
    "tenants::store::workspaces::TABLES_EXIST",
    "SELECT to_regclass('workspaces') IS NOT NULL AS workspaces, to_regclass('projects') IS NOT NULL AS projects",
);
/// Tenant ids are text here and uuid there (T-01).
const COUNT_WORKSPACES: Sql = Sql::fixed(
    "tenants::store::workspaces::COUNT_WORKSPACES",
    "SELECT tenant_id::text AS tenant, count(*) AS live FROM workspaces
     WHERE tenant_id::text = ANY($1::text[]) AND deleted_at IS NULL GROUP BY tenant_id",
);
const COUNT_PROJECTS: Sql = Sql::fixed(
    "tenants::store::workspaces::COUNT_PROJECTS",
    "SELECT w.tenant_id::text AS tenant, count(*) AS live
     FROM projects p JOIN workspaces w ON w.id::text = p.workspace_id::text
     WHERE w.tenant_id::text = ANY($1::text[]) AND w.deleted_at IS NULL AND p.deleted_at IS NULL GROUP BY w.tenant_id",
);

struct Tables {
    workspaces: bool,
    projects: bool,
}

impl FromRow for Tables {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { workspaces: get(row, "workspaces")?, projects: get(row, "projects")? })
    }
}

/// Live workspaces and projects of one tenant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) workspaces: i64,
    pub(crate) projects: i64,
}

/// In the order of `tenants`.
pub(crate) async fn count(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<Holdings>, db::Error> {
    let tables = tx.find::<Tables>(&TABLES_EXIST, &[]).await?.unwrap_or(Tables { workspaces: false, projects: false });
    let ids: Vec<String> = tenants.iter().map(ToString::to_string).collect();
    let mut counted = vec![Holdings::default(); tenants.len()];
    if tables.workspaces {
        for (tenant, live) in live(tx, &COUNT_WORKSPACES, &ids).await? {
            if let Some(index) = ids.iter().position(|id| *id == tenant) {
                counted[index].workspaces = live;
            }
        }
    }
    if tables.workspaces && tables.projects {
        for (tenant, live) in live(tx, &COUNT_PROJECTS, &ids).await? {
            if let Some(index) = ids.iter().position(|id| *id == tenant) {
                counted[index].projects = live;
            }
        }
    }
    Ok(counted)
}

async fn live(tx: &Tx, sql: &Sql, ids: &Vec<String>) -> Result<Vec<(String, i64)>, db::Error> {
    let rows = tx.rows(sql, &[ids]).await?;
    rows.iter().map(|row| Ok((get(row, "tenant")?, get(row, "live")?))).collect()
}
