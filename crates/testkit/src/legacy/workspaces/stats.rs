//! `GET /workspaces/stats` of the token's tenant.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, json};

use super::Workspaces;
use super::access::TenantCaller;
use crate::legacy::framework::{Reply, answer};

/// [inferred] How it counts: by ids as text, which works whichever way the tables were made.
pub(super) async fn stats(State(service): State<Arc<Workspaces>>, TenantCaller(caller): TenantCaller) -> Reply {
    let live = "deleted_at IS NULL";
    let workspaces = format!("SELECT id::text FROM workspaces WHERE tenant_id = $1 AND {live}");
    let projects = format!("projects WHERE {live} AND workspace_id::text IN ({workspaces})");
    let count = async |sql: String| service.store.count(&sql, &[&caller.tenant]).await;
    let total = count(format!("SELECT count(*) FROM workspaces WHERE tenant_id = $1 AND {live}")).await?;
    let bases = count(format!(
        "SELECT count(*) FROM airtable_bases WHERE {live} AND project_id::text IN (SELECT id::text FROM {projects})"
    ))
    .await?;
    let sql = format!("SELECT status, count(*) FROM {projects} GROUP BY status");
    let mut statuses = Map::new();
    let (mut all, mut active) = (0, 0);
    for row in service.store.rows(&sql, &[&caller.tenant]).await? {
        let (status, count): (Option<String>, i64) = (row.try_get(0)?, row.try_get(1)?);
        let status = status.unwrap_or_default();
        all += count;
        active += if status == "active" { count } else { 0 };
        statuses.insert(status, json!(count));
    }
    let body = json!({
        "total_workspaces": total, "active_workspaces": total, "total_projects": all, "active_projects": active,
        "total_airtable_bases": bases, "workspaces_by_tenant": {}, "projects_by_status": statuses,
        "last_updated": service.clock.now(),
    });
    answer(StatusCode::OK, &body)
}
