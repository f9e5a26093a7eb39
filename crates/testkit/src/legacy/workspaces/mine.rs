//! `GET /workspaces/user`: those of the first hundred workspaces of all tenants that the caller is a member of (T-59).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;

use super::Workspaces;
use super::access::Caller;
use super::cache::workspaces_of;
use super::entities::Workspace;
use crate::legacy::fault::Fault;
use crate::legacy::framework::{Reply, answer};
use crate::legacy::scan::Id;

pub(super) async fn mine(State(service): State<Arc<Workspaces>>, caller: Caller) -> Reply {
    let workspaces = service.of_user(&caller.user).await?;
    answer(StatusCode::OK, &json!({ "total": workspaces.len(), "workspaces": workspaces }))
}

impl Workspaces {
    async fn of_user(&self, user: &str) -> Result<Vec<Workspace>, Fault> {
        let key = workspaces_of(user);
        let mut mine = Vec::new();
        if let Some(ids) = self.cache.get::<Vec<String>>(&key).await {
            for id in ids {
                // What is gone since is left out.
                mine.extend(self.workspace(&Id(id)).await.ok());
            }
            return Ok(mine);
        }
        let sql = "SELECT * FROM workspaces WHERE deleted_at IS NULL ORDER BY created_at DESC LIMIT 100";
        for row in self.store.rows(sql, &[]).await? {
            let workspace = Workspace::of(&row)?;
            if self.role(&Id(workspace.id.clone()), user).await?.is_some() {
                mine.push(workspace);
            }
        }
        let ids: Vec<_> = mine.iter().map(|workspace| &workspace.id).collect();
        self.cache.put(&key, &ids).await;
        Ok(mine)
    }
}
