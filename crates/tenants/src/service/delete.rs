//! Deleting a tenant keeps its row and everything that belongs to it; its people are switched off, because the old
//! services look at nothing else (T-54).

use kernel::{Ctx, TenantId};

use super::access::not_own_as_super_admin;
use super::changes::Changes;
use crate::model::Status;
use crate::store::{invitations, workspaces};
use crate::{TenantError, Tenants, store};

impl Tenants {
    /// Deletes the tenant; while it has live workspaces only with `force`.
    pub(crate) async fn delete(&self, cx: &Ctx, id: TenantId, force: bool) -> Result<(), TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        not_own_as_super_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let before = self.read(cx, &tx, id).await?;
        if before.is_deleted() {
            return Err(TenantError::NotFound);
        }
        tx.if_match(&before)?;
        workspaces::lock(&tx).await?;
        let live = workspaces::count(&tx, &[id]).await?.first().map_or(0, |holdings| holdings.workspaces);
        if live > 0 && !force {
            return Err(TenantError::HasWorkspaces(live));
        }
        store::ensure(&tx, cx.now()).await?;
        store::set_status(&tx, Status::Deleted, Some(cx.now()), cx.now()).await?;
        let switched = self.people.switch_off(&tx, cx).await?;
        store::remember_suspended(&tx, &switched, cx.now()).await?;
        let revoked = invitations::revoke_all(&tx, cx.now()).await?;
        let changes = Changes::default()
            .field("status", before.status.as_str(), Status::Deleted.as_str())
            .field("active_users", switched.len(), 0)
            .field("pending_invitations", revoked, 0)
            .field("live_workspaces", 0, live);
        tx.audit(cx, &changes.of_tenant("tenant.deleted", id)).await?;
        tx.commit().await?;
        self.people.switched(id, &switched, false).await;
        Ok(())
    }
}
