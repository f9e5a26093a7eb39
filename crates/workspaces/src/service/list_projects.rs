//! The projects a person sees.

use db::list::{Order, like_anywhere};
use kernel::{Ctx, Page, PageRequest, WorkspaceId};

use super::access::{caller_in_tenant, is_homeless, sees_all};
use crate::model::Project;
use crate::store::projects::LIST;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces};

/// What may be filtered by.
#[derive(Debug, Default)]
pub(crate) struct ProjectFilters {
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) status: Option<String>,
    pub(crate) created_by: Option<String>,
    /// Looked for in name and description, whatever the case.
    pub(crate) search: Option<String>,
    /// Honoured for the tenant's admins.
    pub(crate) include_deleted: bool,
}

impl Workspaces {
    /// One page of the projects in the caller's workspaces; of all of the tenant's for its admins (T-58). A workspace
    /// the caller is no member of, or that does not exist, has none.
    pub(crate) async fn list_projects(
        &self,
        cx: &Ctx,
        filters: &ProjectFilters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<Project>, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        let at = LIST.position(order, request)?;
        if is_homeless(cx) {
            return Ok(at.nothing());
        }
        let cx = match filters.workspace {
            Some(id) => &self.cross(cx, Target::Workspace(id)).await?,
            None => cx,
        };
        let sees_all = sees_all(cx);
        let tx = self.db.read(cx).await?;
        let tenant = tx.tenant().to_string();
        let workspace = filters.workspace.map(|id| id.0);
        let search = filters.search.as_deref().map(like_anywhere);
        let include_deleted = filters.include_deleted && sees_all;
        let params: [&(dyn db::ToSql + Sync); 8] =
            [&caller, &tenant, &sees_all, &workspace, &filters.status, &filters.created_by, &include_deleted, &search];
        Ok(LIST.page(&tx, at, &params).await?)
    }
}
