//! Changing what a member may do.

use kernel::{Ctx, WorkspaceId};
use serde_json::json;

use super::add_member::parse_role;
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Member, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// Sets a role, for the workspace's admins; touching an owner or making one takes an owner. The last owner stays
    /// one. The role a member has already is no change and leaves no record.
    pub(crate) async fn change_member_role(
        &self,
        cx: &Ctx,
        id: WorkspaceId,
        user: &str,
        role: &str,
    ) -> Result<Member, WorkspaceError> {
        let role = parse_role(role)?;
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        if role == WorkspaceRole::Owner {
            store::workspaces::lock_tenant(&tx).await?;
        }
        let access = self.access_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Admin)?;
        let before = store::members::find(&tx, id, user).await?.ok_or(WorkspaceError::MemberNotFound)?;
        let owner = WorkspaceRole::Owner;
        let was_owner = before.role == owner.as_str();
        if was_owner || role == owner {
            access.require(owner)?;
        }
        tx.if_match(&before)?;
        if before.role == role.as_str() {
            return Ok(before);
        }
        // Old services let anybody be a member (contract 1.3.7); nobody of another tenant rises.
        if role > WorkspaceRole::from_stored(&before.role).unwrap_or(WorkspaceRole::Viewer)
            && !self.is_of_tenant(&tx, user).await?
        {
            return Err(WorkspaceError::UserNotFound);
        }
        if was_owner && !store::members::has_other_owner(&tx, id, user).await? {
            return Err(WorkspaceError::LastOwner);
        }
        store::members::set_role(&tx, id, user, role).await?;
        let happened = Happened {
            action: "member.role_updated",
            resource_type: audit::MEMBER,
            resource_id: user,
            changes: Some(json!({ "user_id": user, "old_role": before.role, "new_role": role })),
        };
        audit::record(&tx, cx, id, &happened).await?;
        let after = store::members::find(&tx, id, user).await?.ok_or(WorkspaceError::MemberNotFound)?;
        tx.emit(cx, events::role_changed(&tx, &access.workspace, &before, &after.role)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of([user])).await;
        Ok(after)
    }
}
