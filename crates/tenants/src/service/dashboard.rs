//! What the dashboards show of a tenant on one page: the tenant, its counts, its owner and its people.

use db::list::Order;
use kernel::{Ctx, Dialect, Page, PageRequest, TenantId};

use super::get::sees_all;
use crate::model::Tenant;
use crate::ports::Person;
use crate::store::list::Filters;
use crate::store::workspaces::{self, Holdings};
use crate::{TenantError, Tenants};

/// A tenant with what surrounds it.
#[derive(Debug)]
pub(crate) struct Overview {
    pub(crate) tenant: Tenant,
    pub(crate) people: i64,
    pub(crate) holdings: Holdings,
    pub(crate) owner: Option<Person>,
    /// Those who joined last, at most 100; none in lists.
    pub(crate) members: Vec<Person>,
}

impl Tenants {
    /// One tenant with its people.
    pub(crate) async fn overview(&self, cx: &Ctx, id: TenantId) -> Result<Overview, TenantError> {
        let tenant = self.get(cx, id).await?;
        self.overview_of(cx, tenant).await
    }

    /// One tenant with its people, for the admin dashboard.
    pub(crate) async fn admin_overview(&self, cx: &Ctx, id: TenantId) -> Result<Overview, TenantError> {
        self.reach_as_admin(cx, id)?;
        self.overview(cx, id).await
    }

    /// The surroundings of a tenant the caller was shown already.
    pub(crate) async fn overview_of(&self, cx: &Ctx, tenant: Tenant) -> Result<Overview, TenantError> {
        let there = cx.in_tenant(tenant.id);
        let all = PageRequest { dialect: Dialect::Cursor, size: 100, offset: 0, cursor: None };
        let members = self.people.list(&there, None, all).await?.items;
        let tx = self.db.read(&there).await?;
        let mut overview = self.surround(&tx, vec![tenant]).await?.pop().ok_or(TenantError::NotFound)?;
        overview.members = members;
        Ok(overview)
    }

    /// A page of tenants with their counts and owners.
    pub(crate) async fn list_overviews(
        &self,
        cx: &Ctx,
        filters: &Filters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<Overview>, TenantError> {
        let page = self.list(cx, filters, order, request).await?;
        let items = if sees_all(cx) {
            let tx = self.db.read_system("a super admin lists all tenants").await?;
            self.surround(&tx, page.items).await?
        } else {
            let tx = self.db.read(&cx.in_tenant(self.own(cx)?)).await?;
            self.surround(&tx, page.items).await?
        };
        Ok(Page { items, total: page.total, request: page.request, next_cursor: page.next_cursor })
    }

    async fn surround(&self, tx: &db::Tx, tenants: Vec<Tenant>) -> Result<Vec<Overview>, TenantError> {
        let ids: Vec<TenantId> = tenants.iter().map(|tenant| tenant.id).collect();
        let mut counts = self.people.headcounts(tx, &ids).await?;
        let holdings = workspaces::count(tx, &ids).await?;
        let pairs = tenants.into_iter().zip(holdings);
        Ok(pairs
            .map(|(tenant, holdings)| {
                let count = counts.iter().position(|count| count.tenant == tenant.id).map(|at| counts.swap_remove(at));
                let (people, owner) = count.map_or((0, None), |count| (count.people, count.owner));
                Overview { tenant, people, holdings, owner, members: Vec::new() }
            })
            .collect())
    }
}
