//! Seats of the plan: members, and pending invitations with them. A seat is looked for under the tenant's lock, so two
//! who take the last one cannot both find it free.

use kernel::Ctx;

use crate::model::{InvitationId, Tenant};
use crate::store::invitations;
use crate::{TenantError, Tenants};

impl Tenants {
    /// Refuses unless `more` seats are free; `except` is an invitation that does not count as taking one. Call
    /// [`crate::store::lock`] first. While old services run seats are advisory (T-48).
    pub(super) async fn require_seats(
        &self,
        tx: &db::Tx,
        cx: &Ctx,
        tenant: &Tenant,
        more: i64,
        except: Option<InvitationId>,
    ) -> Result<(), TenantError> {
        let limit = tenant.limits.users;
        if self.coexistence || limit < 0 {
            return Ok(());
        }
        let members = self.people.count(tx, tenant.id).await?;
        let pending = invitations::count_pending(tx, tenant.id, except, cx.now()).await?;
        if members + pending + more > limit { Err(TenantError::NoSeat(limit)) } else { Ok(()) }
    }

    /// Refuses unless one more member fits: for somebody whose invitation held a seat, which a smaller plan may have
    /// taken away since.
    pub(super) async fn require_room(&self, tx: &db::Tx, tenant: &Tenant) -> Result<(), TenantError> {
        let limit = tenant.limits.users;
        if self.coexistence || limit < 0 || self.people.count(tx, tenant.id).await? < limit {
            return Ok(());
        }
        Err(TenantError::NoSeat(limit))
    }
}
