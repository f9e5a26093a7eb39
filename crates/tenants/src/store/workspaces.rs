//! How many workspaces and projects a tenant has. The tables are the workspaces slice's; only counts are read here.

use db::{FromRow, Row, SystemTx, TenantTx, Tx, get, statements};
use kernel::TenantId;

statements! {
    /// Steps through the index on the tenant from one to the next. In bytes' order, which texts are compared in nowhere
    /// else, the ids would come from no index; any fixed order will do.
    TENANTS_AFTER = "WITH RECURSIVE step AS (
            (SELECT w.tenant_id::text AS tenant FROM workspaces w WHERE w.tenant_id > $1 ORDER BY w.tenant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT w.tenant_id::text FROM workspaces w WHERE w.tenant_id > step.tenant
                ORDER BY w.tenant_id LIMIT 1)
            FROM step WHERE step.tenant IS NOT NULL
        )
        SELECT tenant FROM step WHERE tenant IS NOT NULL LIMIT 500";
    /// Tenant ids are text there and uuid here (T-01); parents' ids are varchar where an ORM made the tables.
    COUNT = "SELECT w.tenant_id::text AS tenant, count(*) AS workspaces,
            sum((SELECT count(*) FROM projects p WHERE p.workspace_id::uuid = w.id AND p.deleted_at IS NULL))::bigint
                AS projects
        FROM workspaces w WHERE w.tenant_id::text = ANY($1::text[]) AND w.deleted_at IS NULL GROUP BY w.tenant_id";
}

/// Live workspaces of one tenant, and the live projects in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) workspaces: i64,
    pub(crate) projects: i64,
}

struct Counted {
    tenant: String,
    holdings: Holdings,
}

impl FromRow for Counted {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let holdings = Holdings { workspaces: get(row, "workspaces")?, projects: get(row, "projects")? };
        Ok(Self { tenant: get(row, "tenant")?, holdings })
    }
}

/// Some of the tenants that workspaces name and that come after `after`, in the column's order: texts, and not all of them
/// ids (T-01).
pub(crate) async fn tenants_after(tx: &SystemTx, after: &str) -> Result<Vec<String>, db::Error> {
    tx.rows(&TENANTS_AFTER, &[&after]).await?.iter().map(|row| get(row, "tenant")).collect()
}

/// The lock that workspaces are created under: until the end of the transaction their number only falls. Taken after
/// [`super::lock`].
pub(crate) async fn lock(tx: &TenantTx) -> Result<(), db::Error> {
    tx.lock("workspaces.tenant", &tx.tenant().to_string()).await
}

/// In the order of `tenants`.
pub(crate) async fn count(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<Holdings>, db::Error> {
    let ids: Vec<String> = tenants.iter().map(ToString::to_string).collect();
    let counted: Vec<Counted> = tx.all(&COUNT, &[&ids]).await?;
    let of = |id: &String| counted.iter().find(|one| one.tenant == *id).map(|one| one.holdings).unwrap_or_default();
    Ok(ids.iter().map(of).collect())
}
