//! Switching a suspended tenant on again, with exactly the people who were on (T-54).

use kernel::{Ctx, TenantId};

use super::changes::Changes;
use crate::model::{Status, Tenant};
use crate::{TenantError, Tenants, events, store};

impl Tenants {
    /// Reactivates the tenant. People who were off before the suspension stay off; deleted ones stay deleted.
    pub(crate) async fn reactivate(&self, cx: &Ctx, id: TenantId) -> Result<Tenant, TenantError> {
        let there = self.reach_as_super_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let before = self.read(cx, &tx, id).await?;
        if before.status != Status::Suspended {
            return Err(TenantError::NotSuspended);
        }
        store::set_status(&tx, Status::Active, None, cx.now()).await?;
        let remembered = store::forget_suspended(&tx).await?;
        let switched = self.people.switch_on(&tx, cx, &remembered).await?;
        let after = store::find(&tx, id).await?.ok_or(TenantError::NotFound)?;
        tx.emit(cx, events::tenant("tenant.reactivated", &after)).await?;
        let changes = Changes::default().field("status", before.status.as_str(), after.status.as_str()).field(
            "active_users",
            0,
            switched.len(),
        );
        tx.audit(cx, &changes.of_tenant("tenant.reactivated", id)).await?;
        tx.commit().await?;
        self.people.switched(id, &switched, true).await;
        Ok(after)
    }
}
