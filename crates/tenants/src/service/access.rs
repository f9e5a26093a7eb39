//! Which tenant may the caller reach, and may they change it? The role comes from the caller's row (T-31).

use kernel::{Actor, Ctx, Role, TenantId};

use crate::{TenantError, Tenants};

impl Tenants {
    /// A context that sees `id`. Another's tenant is as missing as one that does not exist (T-16).
    #[expect(clippy::unused_self, reason = "reads as a step of the use cases beside it")]
    pub(super) fn reach(&self, cx: &Ctx, id: TenantId) -> Result<Ctx, TenantError> {
        let may = match &cx.actor {
            // Somebody without a row belongs to no tenant (T-34).
            Actor::User(user) => !id.0.is_nil() && (user.tenant == id || user.role == Role::SuperAdmin),
            // A service that names no tenant speaks for all of them.
            Actor::Internal { tenant, .. } => tenant.is_none_or(|tenant| tenant == id),
            Actor::System(_) => true,
            Actor::Anonymous => false,
        };
        if may { Ok(cx.in_tenant(id)) } else { Err(TenantError::NotFound) }
    }

    /// Like [`Tenants::reach`], for what takes an admin of the tenant.
    pub(super) fn reach_as_admin(&self, cx: &Ctx, id: TenantId) -> Result<Ctx, TenantError> {
        let there = self.reach(cx, id)?;
        if cx.has_role(Role::Admin) { Ok(there) } else { Err(TenantError::InsufficientPermissions) }
    }

    /// Like [`Tenants::reach`], for what takes a super admin.
    pub(super) fn reach_as_super_admin(&self, cx: &Ctx, id: TenantId) -> Result<Ctx, TenantError> {
        let there = self.reach(cx, id)?;
        if cx.has_role(Role::SuperAdmin) { Ok(there) } else { Err(TenantError::InsufficientPermissions) }
    }

    /// The tenant the caller belongs to.
    #[expect(clippy::unused_self, reason = "reads as a step of the use cases beside it")]
    pub(crate) fn own(&self, cx: &Ctx) -> Result<TenantId, TenantError> {
        cx.actor.tenant_id().filter(|id| !id.0.is_nil()).ok_or(TenantError::NotFound)
    }
}

/// A super admin who switched their own tenant off could not switch it on again.
pub(super) fn not_own_as_super_admin(cx: &Ctx, id: TenantId) -> Result<(), TenantError> {
    match cx.user() {
        Some(user) if user.role == Role::SuperAdmin && user.tenant == id => Err(TenantError::OwnTenant),
        _ => Ok(()),
    }
}
