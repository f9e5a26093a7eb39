//! Taking a member out, or leaving.

use kernel::{Ctx, WorkspaceId};
use serde_json::json;

use super::access::caller;
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::WorkspaceRole;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// The caller leaves.
    pub(crate) async fn leave(&self, cx: &Ctx, id: WorkspaceId) -> Result<(), WorkspaceError> {
        let user = caller(cx)?;
        self.remove_member(cx, id, &user).await
    }

    /// Removes a member: themselves, or, for the workspace's admins, somebody else; removing an owner takes an owner.
    /// The last owner stays, also when it is the caller.
    pub(crate) async fn remove_member(&self, cx: &Ctx, id: WorkspaceId, user: &str) -> Result<(), WorkspaceError> {
        let is_self = caller(cx)? == user;
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        let access = self.access_locked(&tx, cx, id).await?;
        // Strangers are not told who is a member.
        access.require(if is_self { WorkspaceRole::Viewer } else { WorkspaceRole::Admin })?;
        let member = store::members::find(&tx, id, user).await?.ok_or(WorkspaceError::MemberNotFound)?;
        if member.role == WorkspaceRole::Owner.as_str() {
            if !is_self {
                access.require(WorkspaceRole::Owner)?;
            }
            if !store::members::has_other_owner(&tx, id, user).await? {
                return Err(WorkspaceError::LastOwner);
            }
        }
        tx.if_match(&member)?;
        if !store::members::remove(&tx, id, user).await? {
            return Err(WorkspaceError::MemberNotFound);
        }
        let happened = Happened {
            action: "member.removed",
            resource_type: audit::MEMBER,
            resource_id: user,
            changes: Some(json!({ "user_id": user, "role": member.role })),
        };
        audit::record(&tx, cx, id, &happened).await?;
        tx.emit(cx, events::member_removed(&tx, &access.workspace, &member)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of([user])).await;
        Ok(())
    }
}
