//! Deleting a workspace keeps its rows, members included.

use kernel::{Ctx, WorkspaceId};

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::WorkspaceRole;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// Deletes a workspace, for its owners; refused while it has live projects.
    pub(crate) async fn delete(&self, cx: &Ctx, id: WorkspaceId) -> Result<(), WorkspaceError> {
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        let access = self.access_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Owner)?;
        tx.if_match(&access.workspace)?;
        let projects = store::projects::count_live(&tx, id).await?;
        if projects > 0 {
            return Err(WorkspaceError::HasProjects(projects));
        }
        store::workspaces::delete(&tx, id, cx.now()).await?;
        let happened = Happened {
            action: "workspace.deleted",
            resource_type: audit::WORKSPACE,
            resource_id: &id.to_string(),
            changes: None,
        };
        audit::record(&tx, cx, id, &happened).await?;
        let members = store::members::ids(&tx, id).await?;
        tx.emit(cx, events::workspace(&tx, "workspace.deleted", &access.workspace)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of(members)).await;
        Ok(())
    }
}
