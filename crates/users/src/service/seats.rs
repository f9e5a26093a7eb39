//! Seats of the tenant's plan, for whoever joins or comes back.

use kernel::{Ctx, TenantId};

use crate::store::tenancy;
use crate::{UserError, Users};

impl Users {
    /// Refuses unless `more` people fit into the tenant; without more, unless those who are there do. The tenant stays
    /// locked until the transaction ends, so of two who take the last seat one finds it taken. Call it before any other
    /// lock.
    pub(super) async fn require_seats(
        &self,
        tx: &db::Tx,
        cx: &Ctx,
        tenant: TenantId,
        more: usize,
    ) -> Result<(), UserError> {
        if self.coexistence {
            return Ok(());
        }
        let Some(seats) = self.tenants.lock_seats(tx, cx, tenant).await? else { return Ok(()) };
        let people = tenancy::count(tx, tenant).await?;
        let more = i64::try_from(more).unwrap_or(i64::MAX);
        // Invitations hold seats against newcomers, not against those who have one.
        let held = if more > 0 { seats.invited } else { 0 };
        if people.saturating_add(held).saturating_add(more) > seats.limit {
            return Err(UserError::NoSeat(seats.limit));
        }
        Ok(())
    }
}
