//! Tenants: all of them for a super admin, the own one for its admins.

use db::list::Order;
use kernel::{Ctx, Dialect, Page, PageRequest, Role};

use super::get::sees_all;
use crate::model::Tenant;
use crate::store::list::{Filters, LIST};
use crate::{TenantError, Tenants, store};

impl Tenants {
    /// One page.
    pub(crate) async fn list(
        &self,
        cx: &Ctx,
        filters: &Filters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<Tenant>, TenantError> {
        if !cx.has_role(Role::Admin) {
            return Err(TenantError::InsufficientPermissions);
        }
        let at = LIST.position(order, request.clone())?;
        if sees_all(cx) {
            let tx = self.db.read_system("a super admin lists all tenants").await?;
            return Ok(store::list::list(&tx, None, filters, at).await?);
        }
        let own = self.own(cx)?;
        let tx = self.db.read(&cx.in_tenant(own)).await?;
        if store::find(&tx, own).await?.is_none() {
            return Ok(only(Tenant::without_row(own), request));
        }
        Ok(store::list::list(&tx, Some(own), filters, at).await?)
    }
}

/// The list of an admin whose tenant has no row (T-53).
fn only(tenant: Tenant, request: PageRequest) -> Page<Tenant> {
    let total = (request.dialect != Dialect::Cursor).then_some(1);
    let items = if request.offset == 0 && request.cursor.is_none() { vec![tenant] } else { Vec::new() };
    Page { items, total, request, next_cursor: None }
}
