//! The connected bases a person sees.

use db::list::{Order, like_anywhere};
use kernel::{Ctx, Page, PageRequest, ProjectId};

use super::access::{caller_in_tenant, is_homeless, sees_all};
use crate::model::AirtableBase;
use crate::store::bases::LIST;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces};

/// What may be filtered by.
#[derive(Debug, Default)]
pub(crate) struct BaseFilters {
    pub(crate) project: Option<ProjectId>,
    pub(crate) sync_enabled: Option<bool>,
    /// Looked for in name, description and base id, whatever the case.
    pub(crate) search: Option<String>,
}

impl Workspaces {
    /// One page of the bases in the caller's workspaces; of all of the tenant's for its admins (T-58). A project the
    /// caller does not see, or that does not exist, has none.
    pub(crate) async fn list_bases(
        &self,
        cx: &Ctx,
        filters: &BaseFilters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<AirtableBase>, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        let at = LIST.position(order, request)?;
        if is_homeless(cx) {
            return Ok(at.nothing());
        }
        let cx = match filters.project {
            Some(id) => &self.cross(cx, Target::Project(id)).await?,
            None => cx,
        };
        let sees_all = sees_all(cx);
        let tx = self.db.read(cx).await?;
        let tenant = tx.tenant().to_string();
        let project = filters.project.map(|id| id.0);
        let search = filters.search.as_deref().map(like_anywhere);
        let params: [&(dyn db::ToSql + Sync); 6] =
            [&caller, &tenant, &sees_all, &project, &filters.sync_enabled, &search];
        Ok(LIST.page(&tx, at, &params).await?)
    }
}
