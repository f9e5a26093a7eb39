//! The audit log (contract 1.3.8). Writing it never fails an operation (T-62).

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tokio_postgres::Row;

use super::Workspaces;
use super::access::Caller;
use super::lists::{Conditions, Query};
use crate::legacy::fault::Fault;
use crate::legacy::framework::Reply;
use crate::legacy::scan::{Id, Moment};

/// Rows of a page unless asked for otherwise.
const SIZE: i64 = 50;

/// Admins of the workspace that is named; without one, everybody sees everything (T-58).
pub(super) async fn list(State(service): State<Arc<Workspaces>>, caller: Caller, uri: Uri) -> Reply {
    let query = Query::of(&uri, SIZE)?;
    let mut conditions = Conditions::default();
    if let Some(workspace) = query.get("workspace_id") {
        let workspace = Id(workspace.to_owned());
        match service.role(&workspace, &caller.user).await {
            Ok(Some(_)) => drop(service.require(&workspace, &caller, "admin").await?),
            _ => return query.nothing("logs"),
        }
        conditions.and("workspace_id = ?", workspace);
    }
    for name in ["user_id", "action", "resource_type", "resource_id"] {
        if let Some(value) = query.get(name) {
            conditions.and(&format!("{name} = ?"), value.to_owned());
        }
    }
    let found = service.page("workspace_audit_logs", &query, &conditions, "created_at", shown).await?;
    query.page("logs", &found)
}

fn shown(row: &Row) -> Result<Value, Fault> {
    let id = |name: &str| row.try_get::<_, Option<Id>>(name);
    let text = |name: &str| row.try_get::<_, Option<String>>(name).map(Option::unwrap_or_default);
    Ok(json!({
        "id": id("id")?, "workspace_id": id("workspace_id")?, "user_id": text("user_id")?, "action": text("action")?,
        "resource_type": text("resource_type")?, "resource_id": text("resource_id")?,
        "changes": row.try_get::<_, Option<Value>>("changes")?,
        "created_at": row.try_get::<_, Option<Moment>>("created_at")?,
    }))
}

impl Workspaces {
    /// Whatever becomes of it.
    pub(super) async fn record(
        &self,
        workspace: &Id,
        user: &str,
        action: &str,
        resource_type: &str,
        resource: &str,
        changes: Option<Value>,
    ) {
        let sql =
            "INSERT INTO workspace_audit_logs (workspace_id, user_id, action, resource_type, resource_id, changes,
            created_at) VALUES ($1, $2, $3, $4, $5, $6, $7::timestamptz)";
        let now = self.clock.now();
        let _ = self.store.execute(sql, &[workspace, &user, &action, &resource_type, &resource, &changes, &now]).await;
    }
}
