//! Changing what a member may do.

use kernel::{Ctx, UserId, WorkspaceId};
use serde_json::json;

use super::add_member::parse_role;
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Member, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

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
        if role == owner {
            // Nobody becomes an owner who is deleted; ids of old rows may be no accounts at all (T-01).
            let id: UserId = user.parse().map_err(|_| WorkspaceError::UserNotFound)?;
            if self.people.cards(&tx, &[id]).await?.is_empty() {
                return Err(WorkspaceError::UserNotFound);
            }
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
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of([user])).await;
        Ok(after)
    }
}
