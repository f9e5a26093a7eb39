//! The people of a tenant.

use db::list::Order;
use kernel::{Ctx, Page, PageRequest, Role, TenantId};

use crate::model::User;
use crate::store::list::{Filters, LIST};
use crate::{UserError, Users, store};

impl Users {
    /// One page. `tenant` is honoured for super admins and otherwise only when it is the caller's own (T-58).
    pub(crate) async fn list(
        &self,
        cx: &Ctx,
        tenant: Option<TenantId>,
        filters: &Filters,
        order: Order,
        request: PageRequest,
    ) -> Result<Page<User>, UserError> {
        let cx = self.choose_tenant(cx, tenant);
        let at = LIST.position(order, request)?;
        if cx.known_tenant().is_none() {
            return Err(UserError::AccessDenied);
        }
        let tx = self.db.read(&cx).await?;
        Ok(store::list::list(&tx, filters, at).await?)
    }

    #[expect(clippy::unused_self, reason = "reads as a step of the use cases beside it")]
    pub(super) fn choose_tenant(&self, cx: &Ctx, tenant: Option<TenantId>) -> Ctx {
        match tenant {
            Some(tenant) if cx.has_role(Role::SuperAdmin) && cx.user().is_some() => cx.in_tenant(tenant),
            _ => cx.clone(),
        }
    }
}
