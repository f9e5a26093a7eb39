//! Disconnecting a base keeps its row.

use kernel::{BaseId, Ctx};
use serde_json::json;

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::WorkspaceRole;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

impl Workspaces {
    /// Disconnects a base, for the workspace's admins.
    pub(crate) async fn disconnect_base(&self, cx: &Ctx, id: BaseId) -> Result<(), WorkspaceError> {
        let cx = &self.cross(cx, Target::Base(id)).await?;
        let tx = self.db.begin(cx).await?;
        let (access, project, base) = self.access_base_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Admin)?;
        tx.if_match(&base)?;
        store::bases::delete(&tx, project.id, id, cx.now()).await?;
        let happened = Happened {
            action: "airtable_base.disconnected",
            resource_type: audit::BASE,
            resource_id: &id.to_string(),
            changes: Some(json!({ "base_id": base.base_id, "name": base.name })),
        };
        audit::record(&tx, cx, project.workspace_id, &happened).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().project(project.id).workspace(project.workspace_id)).await;
        Ok(())
    }
}
