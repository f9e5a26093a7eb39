//! Letting a person of the tenant into a workspace.

use kernel::{Ctx, UserId, WorkspaceId};
use serde_json::json;

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Member, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, events, store};

impl Workspaces {
    /// Adds a member, for the workspace's admins; another owner takes an owner. The old service let in whoever was
    /// named; here it is a living account of the tenant, and others are told apart from nobody by nothing.
    pub(crate) async fn add_member(
        &self,
        cx: &Ctx,
        id: WorkspaceId,
        user: &str,
        role: &str,
    ) -> Result<Member, WorkspaceError> {
        let user: UserId = user.parse().map_err(|_| WorkspaceError::invalid("user_id", "must be a UUID"))?;
        let role = parse_role(role)?;
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let tx = self.db.begin(cx).await?;
        if role == WorkspaceRole::Owner {
            store::workspaces::lock_tenant(&tx).await?;
        }
        let access = self.access_locked(&tx, cx, id).await?;
        access.require(if role == WorkspaceRole::Owner { role } else { WorkspaceRole::Admin })?;
        if self.people.cards(&tx, &[user]).await?.is_empty() {
            return Err(WorkspaceError::UserNotFound);
        }
        let user = user.to_string();
        if store::members::find(&tx, id, &user).await?.is_some() {
            return Err(WorkspaceError::AlreadyMember);
        }
        store::members::insert(&tx, id, &user, role, Some(cx.now())).await?;
        let happened = Happened {
            action: "member.added",
            resource_type: audit::MEMBER,
            resource_id: &user,
            changes: Some(json!({ "user_id": user, "role": role })),
        };
        audit::record(&tx, cx, id, &happened).await?;
        let member = store::members::find(&tx, id, &user).await?.ok_or(WorkspaceError::MemberNotFound)?;
        tx.emit(cx, events::member_added(&tx, &access.workspace, &member)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id).workspaces_of([user])).await;
        Ok(member)
    }
}

/// The four words that are stored, and what other editions call them (T-19).
pub(super) fn parse_role(word: &str) -> Result<WorkspaceRole, WorkspaceError> {
    WorkspaceRole::parse(word).ok_or_else(|| WorkspaceError::invalid("role", "must be owner, admin, member or viewer"))
}
