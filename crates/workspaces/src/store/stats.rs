//! Counts of a tenant.

use db::{FromRow, Row, TenantTx, get, statements};

statements! {
    COUNTS = "SELECT
        (SELECT count(*) FROM workspaces w WHERE w.tenant_id::text = $1 AND w.deleted_at IS NULL) AS workspaces,
        (SELECT count(*) FROM airtable_bases b JOIN projects p ON p.id = b.project_id::uuid
            JOIN workspaces w ON w.id = p.workspace_id::uuid
            WHERE w.tenant_id::text = $1
            AND b.deleted_at IS NULL AND p.deleted_at IS NULL AND w.deleted_at IS NULL) AS bases";
    PROJECTS_BY_STATUS = "SELECT p.status, count(*) AS projects FROM projects p
        JOIN workspaces w ON w.id = p.workspace_id::uuid
        WHERE w.tenant_id::text = $1 AND p.deleted_at IS NULL AND w.deleted_at IS NULL
        GROUP BY p.status ORDER BY p.status";
}

/// Counts of live things.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) workspaces: i64,
    pub(crate) bases: i64,
}

impl FromRow for Counts {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { workspaces: get(row, "workspaces")?, bases: get(row, "bases")? })
    }
}

pub(crate) async fn counts(tx: &TenantTx) -> Result<Counts, db::Error> {
    let found = tx.find(&COUNTS, &[&tx.tenant().to_string()]).await?;
    found.ok_or(db::Error::RowCount { statement: COUNTS.name, rows: 0 })
}

pub(crate) async fn projects_by_status(tx: &TenantTx) -> Result<Vec<(String, i64)>, db::Error> {
    let rows = tx.rows(&PROJECTS_BY_STATUS, &[&tx.tenant().to_string()]).await?;
    rows.iter().map(|row| Ok((get(row, "status")?, get(row, "projects")?))).collect()
}
