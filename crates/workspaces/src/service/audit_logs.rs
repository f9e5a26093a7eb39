//! What happened, for those who may know.

use db::list::Order;
use kernel::{Ctx, Page, PageRequest, WorkspaceId};

use super::access::{caller_in_tenant, is_homeless, sees_all};
use crate::model::{AuditLog, WorkspaceRole, canonical};
use crate::store::audit::LIST;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces};

/// What may be filtered by.
#[derive(Debug, Default)]
pub(crate) struct AuditFilters {
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) user_id: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) resource_type: Option<String>,
    pub(crate) resource_id: Option<String>,
}

impl Workspaces {
    /// One page, newest first by default. Of one workspace: for its admins; nothing for who is no member, and 403 for
    /// lower roles. Of none: what happened in the workspaces the caller administers, and, for the tenant's admins,
    /// whatever else happened in the tenant.
    pub(crate) async fn audit_logs(
        &self,
        cx: &Ctx,
        filters: &AuditFilters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<AuditLog>, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        let at = LIST.position(order, request)?;
        if is_homeless(cx) {
            return Ok(at.nothing());
        }
        let cx = match filters.workspace {
            Some(id) => &self.cross(cx, Target::Workspace(id)).await?,
            None => cx,
        };
        let tx = self.db.read(cx).await?;
        if let Some(id) = filters.workspace {
            // A deleted workspace keeps its history.
            match self.access_deleted(&tx, cx, id).await {
                Ok(access) if access.has(WorkspaceRole::Admin) => {}
                Ok(access) if access.is_inside() => return Err(WorkspaceError::Unauthorized),
                Ok(_) | Err(WorkspaceError::WorkspaceNotFound) => return Ok(at.nothing()),
                Err(error) => return Err(error),
            }
        }
        let sees_all = sees_all(cx);
        let tenant = tx.tenant().to_string();
        let workspace = filters.workspace.map(|id| id.0);
        let user = filters.user_id.as_deref().map(canonical);
        let resource = filters.resource_id.as_deref().map(canonical);
        let params: [&(dyn db::ToSql + Sync); 8] =
            [&caller, &tenant, &sees_all, &workspace, &user, &filters.action, &filters.resource_type, &resource];
        Ok(LIST.page(&tx, at, &params).await?)
    }
}
