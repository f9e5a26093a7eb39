//! Who asks, and what may they do in this workspace? Shared by every use case.

use db::TenantTx;
use kernel::{BaseId, Ctx, ProjectId, Role, TenantId, UserId, WorkspaceId};

use crate::model::{AirtableBase, Project, Workspace, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

/// A workspace as the caller stands to it.
pub(super) struct Access {
    pub(super) workspace: Workspace,
    role: Option<WorkspaceRole>,
}

impl Access {
    /// Whether the caller has any role.
    pub(super) const fn is_inside(&self) -> bool {
        self.role.is_some()
    }

    /// Refuses callers below `least`.
    pub(super) fn require(&self, least: WorkspaceRole) -> Result<(), WorkspaceError> {
        if self.role >= Some(least) { Ok(()) } else { Err(WorkspaceError::Unauthorized) }
    }

    /// Whether the caller has at least `least`.
    pub(super) fn has(&self, least: WorkspaceRole) -> bool {
        self.require(least).is_ok()
    }
}

/// The id the caller is known by in the workspace tables.
pub(super) fn caller(cx: &Ctx) -> Result<String, WorkspaceError> {
    cx.actor.user_id().map(|id| id.to_string()).ok_or(WorkspaceError::NoPerson)
}

/// The same, for what happens in a tenant rather than a workspace. Somebody who belongs to none may ask and finds
/// nothing: see [`is_homeless`].
pub(super) fn caller_in_tenant(cx: &Ctx) -> Result<String, WorkspaceError> {
    match (cx.tenant, cx.actor.user_id()) {
        (Some(_), Some(id)) => Ok(id.to_string()),
        _ => Err(WorkspaceError::NoContext),
    }
}

/// Whether the tenant looked at is none: everybody without a row would otherwise share one (T-34).
pub(super) fn is_homeless(cx: &Ctx) -> bool {
    cx.known_tenant().is_none()
}

/// What membership and the role in the tenant come to together.
pub(super) fn effective(cx: &Ctx, member: Option<WorkspaceRole>) -> Option<WorkspaceRole> {
    let by_tenant = if cx.has_role(Role::SuperAdmin) {
        Some(WorkspaceRole::Owner)
    } else if cx.has_role(Role::Admin) {
        Some(WorkspaceRole::Admin)
    } else {
        None
    };
    member.max(by_tenant)
}

/// Whether the caller sees every workspace of the tenant from inside.
pub(super) fn sees_all(cx: &Ctx) -> bool {
    effective(cx, None).is_some()
}

/// `tenant` is honoured for super admins, and otherwise ignored (T-58).
pub(super) fn choose_tenant(cx: &Ctx, tenant: Option<TenantId>) -> Ctx {
    match tenant {
        Some(tenant) if cx.user().is_some_and(|user| user.role == Role::SuperAdmin) => cx.in_tenant(tenant),
        _ => cx.clone(),
    }
}

impl Workspaces {
    /// A context in whose tenant the target is. It differs from the caller's own for super admins only; whether the
    /// target exists shows when it is read.
    pub(super) async fn cross(&self, cx: &Ctx, target: Target) -> Result<Ctx, WorkspaceError> {
        caller(cx)?;
        if cx.user().is_some_and(|user| user.role == Role::SuperAdmin) {
            let tx = self.db.read_system("a super admin addresses objects of any tenant").await?;
            if let Some(tenant) = store::workspaces::tenant_of(&tx, target).await? {
                return Ok(cx.in_tenant(tenant));
            }
        }
        // A service that names a person but no tenant sees no workspaces.
        match cx.tenant {
            None => Err(WorkspaceError::NoContext),
            Some(_) if is_homeless(cx) => Err(target.not_found()),
            Some(_) => Ok(cx.clone()),
        }
    }

    /// Whether a member's id is that of a living account of the tenant.
    pub(super) async fn is_of_tenant(&self, tx: &TenantTx, user: &str) -> Result<bool, WorkspaceError> {
        let Ok(user) = user.parse::<UserId>() else { return Ok(false) };
        Ok(!self.people.cards(tx, &[user]).await?.is_empty())
    }

    /// The live workspace.
    pub(super) async fn access(&self, tx: &TenantTx, cx: &Ctx, id: WorkspaceId) -> Result<Access, WorkspaceError> {
        let access = self.access_deleted(tx, cx, id).await?;
        if access.workspace.deleted_at.is_some() {
            return Err(WorkspaceError::WorkspaceNotFound);
        }
        Ok(access)
    }

    /// The workspace, live or not.
    pub(super) async fn access_deleted(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: WorkspaceId,
    ) -> Result<Access, WorkspaceError> {
        let found = store::workspaces::find(tx, &caller(cx)?, id).await?;
        let seen = found.ok_or(WorkspaceError::WorkspaceNotFound)?;
        Ok(Access { workspace: seen.workspace, role: effective(cx, seen.caller_role) })
    }

    /// The live workspace, locked until the transaction ends. What is checked from here on stays true. The lock comes
    /// first, on its own: a statement that waits for it would go on with the rows it saw before.
    pub(super) async fn access_locked(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: WorkspaceId,
    ) -> Result<Access, WorkspaceError> {
        if !store::workspaces::lock(tx, id).await? {
            return Err(WorkspaceError::WorkspaceNotFound);
        }
        self.access(tx, cx, id).await
    }

    /// The live project, and its workspace.
    pub(super) async fn access_project(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: ProjectId,
    ) -> Result<(Access, Project), WorkspaceError> {
        let project = store::projects::find(tx, id).await?.ok_or(WorkspaceError::ProjectNotFound)?;
        let access = self.access(tx, cx, project.workspace_id).await?;
        Ok((access, project))
    }

    /// The live project, and its workspace, locked until the transaction ends.
    pub(super) async fn access_project_locked(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: ProjectId,
    ) -> Result<(Access, Project), WorkspaceError> {
        let project = store::projects::find(tx, id).await?.ok_or(WorkspaceError::ProjectNotFound)?;
        let access = self.access_locked(tx, cx, project.workspace_id).await?;
        // Read again under the lock: it may have been changed or deleted while this waited.
        let project = store::projects::find(tx, id).await?.ok_or(WorkspaceError::ProjectNotFound)?;
        Ok((access, project))
    }

    /// The connected base, its project and its workspace.
    pub(super) async fn access_base(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: BaseId,
    ) -> Result<(Access, Project, AirtableBase), WorkspaceError> {
        let base = store::bases::find(tx, id).await?.ok_or(WorkspaceError::BaseNotFound)?;
        let (access, project) = self.access_project(tx, cx, base.project_id).await?;
        Ok((access, project, base))
    }

    /// The connected base, its project and its workspace, locked until the transaction ends.
    pub(super) async fn access_base_locked(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: BaseId,
    ) -> Result<(Access, Project, AirtableBase), WorkspaceError> {
        let base = store::bases::find(tx, id).await?.ok_or(WorkspaceError::BaseNotFound)?;
        let (access, project) = self.access_project_locked(tx, cx, base.project_id).await?;
        let base = store::bases::find(tx, id).await?.ok_or(WorkspaceError::BaseNotFound)?;
        Ok((access, project, base))
    }
}

/// A project as single projects are shown.
pub(super) fn nested(project: Project, workspace: Workspace) -> Project {
    Project { workspace: Some(Box::new(workspace)), ..project }
}

/// A base as single bases are shown.
pub(super) fn nested_base(base: AirtableBase, project: Project, workspace: Workspace) -> AirtableBase {
    AirtableBase { project: Some(Box::new(nested(project, workspace))), ..base }
}
