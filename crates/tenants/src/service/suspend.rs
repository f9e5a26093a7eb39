//! Switching a tenant off, its people with it (T-54).

use kernel::{Ctx, TenantId};

use super::access::not_own_as_super_admin;
use super::changes::Changes;
use crate::model::{Status, Tenant};
use crate::{TenantError, Tenants, events, store};

impl Tenants {
    /// Suspends the tenant. Whoever logs in at the same moment is either refused or logged out again: switching people
    /// off waits for the log-ins under way and then ends them.
    pub(crate) async fn suspend(&self, cx: &Ctx, id: TenantId) -> Result<Tenant, TenantError> {
        let there = self.reach_as_super_admin(cx, id)?;
        not_own_as_super_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let before = self.read(cx, &tx, id).await?;
        match before.status {
            Status::Active | Status::Delinquent => {}
            Status::Suspended => return Err(TenantError::AlreadySuspended),
            Status::Canceled | Status::Deleted => return Err(TenantError::not_active(before.status)),
        }
        store::ensure(&tx, cx.now()).await?;
        store::set_status(&tx, Status::Suspended, None, cx.now()).await?;
        let switched = self.people.switch_off(&tx, cx).await?;
        store::remember_suspended(&tx, &switched, cx.now()).await?;
        let after = store::find(&tx, id).await?.ok_or(TenantError::NotFound)?;
        tx.emit(cx, events::tenant("tenant.suspended", &after)).await?;
        let changes = Changes::default().field("status", before.status.as_str(), after.status.as_str()).field(
            "active_users",
            switched.len(),
            0,
        );
        tx.audit(cx, &changes.of_tenant("tenant.suspended", id)).await?;
        tx.commit().await?;
        self.people.switched(id, &switched, false).await;
        Ok(after)
    }
}
