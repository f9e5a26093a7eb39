//! The workspaces of a tenant.

use db::list::{Order, like_anywhere};
use kernel::{Ctx, Page, PageRequest, TenantId};

use super::access::{caller_in_tenant, choose_tenant, is_homeless, sees_all};
use crate::model::Workspace;
use crate::store::workspaces::{LIST, Seen};
use crate::{WorkspaceError, Workspaces};

/// What may be filtered by.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    pub(crate) tenant: Option<TenantId>,
    pub(crate) created_by: Option<String>,
    /// Looked for in name and description, whatever the case.
    pub(crate) search: Option<String>,
    /// Honoured for the tenant's admins.
    pub(crate) include_deleted: bool,
}

impl Workspaces {
    /// One page of all workspaces of the tenant. Membership decides only how much of each is shown (T-59).
    pub(crate) async fn list(
        &self,
        cx: &Ctx,
        filters: &Filters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<Workspace>, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        let cx = choose_tenant(cx, filters.tenant);
        let sees_all = sees_all(&cx);
        let at = LIST.position(order, request)?;
        if is_homeless(&cx) {
            return Ok(at.nothing());
        }
        let tx = self.db.read(&cx).await?;
        let tenant = tx.tenant().to_string();
        let search = filters.search.as_deref().map(like_anywhere);
        let include_deleted = filters.include_deleted && sees_all;
        let params: [&(dyn db::ToSql + Sync); 5] = [&caller, &tenant, &include_deleted, &filters.created_by, &search];
        let page = LIST.page::<Seen>(&tx, at, &params).await?;
        Ok(page.map(|seen| {
            let inside = seen.workspace.inside.filter(|_| sees_all || seen.caller_role.is_some());
            Workspace { inside, ..seen.workspace }
        }))
    }
}
