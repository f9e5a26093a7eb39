//! Handing a workspace over in one step.

use kernel::{Ctx, UserId, WorkspaceId};
use serde_json::json;

use super::access::caller;
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Workspace, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// Makes a member the owner, and the caller an admin if they were an owner; other owners stay. The new owner comes
    /// first, so there is never none, and the old schema's trigger agrees.
    pub(crate) async fn transfer_ownership(
        &self,
        cx: &Ctx,
        id: WorkspaceId,
        to: &str,
    ) -> Result<Workspace, WorkspaceError> {
        let to: UserId = to.parse().map_err(|_| WorkspaceError::invalid("user_id", "must be a UUID"))?;
        let from = caller(cx)?;
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        store::workspaces::lock_tenant(&tx).await?;
        let access = self.access_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Owner)?;
        if self.people.cards(&tx, &[to]).await?.is_empty() {
            return Err(WorkspaceError::UserNotFound);
        }
        let to = to.to_string();
        let next = store::members::find(&tx, id, &to).await?.ok_or(WorkspaceError::MemberNotFound)?;
        let owner = WorkspaceRole::Owner;
        if to == from {
            return if next.role == owner.as_str() {
                Ok(access.workspace)
            } else {
                Err(WorkspaceError::invalid("user_id", "must be another member"))
            };
        }
        let promoted = next.role != owner.as_str();
        if promoted {
            store::members::set_role(&tx, id, &to, owner).await?;
        }
        let previous = store::members::find(&tx, id, &from).await?.filter(|member| member.role == owner.as_str());
        if previous.is_some() {
            store::members::set_role(&tx, id, &from, WorkspaceRole::Admin).await?;
        }
        if !promoted && previous.is_none() {
            return Ok(access.workspace);
        }
        if promoted {
            tx.emit(cx, events::role_changed(&tx, &access.workspace, &next, owner.as_str())).await?;
        }
        if let Some(previous) = &previous {
            let role = WorkspaceRole::Admin.as_str();
            tx.emit(cx, events::role_changed(&tx, &access.workspace, previous, role)).await?;
        }
        let happened = Happened {
            action: "workspace.ownership_transferred",
            resource_type: audit::WORKSPACE,
            resource_id: &id.to_string(),
            changes: Some(json!({ "owner_id": { "old": previous.map(|member| member.user_id), "new": to } })),
        };
        audit::record(&tx, cx, id, &happened).await?;
        let workspace = self.access(&tx, cx, id).await?.workspace;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of([to, from])).await;
        Ok(workspace)
    }
}
