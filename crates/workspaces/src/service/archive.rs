//! Putting a workspace away with everything in it, and bringing it back. To the old service an archived workspace is a
//! deleted one.

use kernel::{Ctx, WorkspaceId};

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Workspace, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// Archives a workspace, for its owners. Its projects stay as they are, out of reach until it is restored.
    pub(crate) async fn archive(&self, cx: &Ctx, id: WorkspaceId) -> Result<Workspace, WorkspaceError> {
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        self.access_locked(&tx, cx, id).await?.require(WorkspaceRole::Owner)?;
        store::workspaces::delete(&tx, id, cx.now()).await?;
        self.finish(tx, cx, id, "workspace.archived").await
    }

    /// Brings an archived or deleted workspace back, for its owners; refused like a creation at the tenant's limit and
    /// for a name that is in use again. The old schema's trigger does not count what is restored, this does.
    pub(crate) async fn restore(&self, cx: &Ctx, id: WorkspaceId) -> Result<Workspace, WorkspaceError> {
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        store::workspaces::lock_tenant(&tx).await?;
        if !store::workspaces::lock(&tx, id).await? {
            return Err(WorkspaceError::WorkspaceNotFound);
        }
        let access = self.access_deleted(&tx, cx, id).await?;
        access.require(WorkspaceRole::Owner)?;
        if access.workspace.deleted_at.is_none() {
            return Ok(access.workspace);
        }
        self.check_room(&tx, &access.workspace.name, id).await?;
        store::workspaces::restore(&tx, id, cx.now()).await?;
        self.finish(tx, cx, id, "workspace.restored").await
    }

    async fn finish(
        &self,
        tx: db::TenantTx,
        cx: &Ctx,
        id: WorkspaceId,
        action: &'static str,
    ) -> Result<Workspace, WorkspaceError> {
        let happened =
            Happened { action, resource_type: audit::WORKSPACE, resource_id: &id.to_string(), changes: None };
        audit::record(&tx, cx, id, &happened).await?;
        let workspace = self.access_deleted(&tx, cx, id).await?.workspace;
        let members = store::members::ids(&tx, id).await?;
        tx.emit(cx, events::workspace(&tx, action, &workspace)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of(members)).await;
        Ok(workspace)
    }
}
