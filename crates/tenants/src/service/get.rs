//! Reading one tenant.

use kernel::{Actor, Ctx, Role, TenantId};

use crate::model::Tenant;
use crate::{TenantError, Tenants, store};

impl Tenants {
    /// The tenant, if the caller may know it; a deleted one is gone for everybody but super admins.
    pub(crate) async fn get(&self, cx: &Ctx, id: TenantId) -> Result<Tenant, TenantError> {
        let there = self.reach(cx, id)?;
        let tx = self.db.read(&there).await?;
        self.read(cx, &tx, id).await
    }

    /// The tenant with a slug.
    pub(crate) async fn get_by_slug(&self, cx: &Ctx, slug: &str) -> Result<Tenant, TenantError> {
        // Old rows may have any text for a slug, but none that PostgreSQL cannot hold.
        if slug.contains('\0') {
            return Err(TenantError::NotFound);
        }
        // Only who sees all tenants needs a view of all of them to look in.
        let found = if sees_all(cx) {
            let tx = self.db.read_system("a super admin looks a slug up").await?;
            store::find_by_slug(&tx, slug).await?
        } else {
            let own = self.own(cx)?;
            let tx = self.db.read(&cx.in_tenant(own)).await?;
            // Row-level security alone would do; nothing here rests on one layer.
            store::find_by_slug(&tx, slug).await?.filter(|tenant| tenant.id == own)
        };
        let found = found.filter(|tenant| visible(cx, tenant));
        found.ok_or(TenantError::NotFound)
    }

    /// The tenant in a transaction that sees it. Without a row it exists if it is the caller's own or has people (T-53).
    pub(super) async fn read(&self, cx: &Ctx, tx: &db::Tx, id: TenantId) -> Result<Tenant, TenantError> {
        match store::find(tx, id).await? {
            Some(tenant) if visible(cx, &tenant) => Ok(tenant),
            None if cx.user().is_some_and(|user| user.tenant == id) || self.people.count(tx, id).await? > 0 => {
                Ok(Tenant::without_row(id))
            }
            _ => Err(TenantError::NotFound),
        }
    }
}

fn visible(cx: &Ctx, tenant: &Tenant) -> bool {
    !tenant.is_deleted() || cx.has_role(Role::SuperAdmin)
}

/// Whether no single tenant bounds what the caller sees.
pub(super) fn sees_all(cx: &Ctx) -> bool {
    match &cx.actor {
        Actor::User(user) => user.role == Role::SuperAdmin,
        Actor::Internal { tenant, .. } => tenant.is_none(),
        Actor::System(_) => true,
        Actor::Anonymous => false,
    }
}
