//! Invitations that time has ended are marked so. They are refused before the job gets to them; marking makes the row
//! say so and leaves a record.

use kernel::{Ctx, TenantId};

use super::changes::Changes;
use crate::store::{self, invitations};
use crate::{TenantError, Tenants};

impl Tenants {
    /// Expires what is overdue, a bounded number a transaction; returns how many. Safe to run on many replicas at once:
    /// who comes second waits for the tenant's lock and finds nothing left. A tenant that fails does not hold up the
    /// others; the last failure is returned when they are done.
    pub async fn expire_invitations(&self, cx: &Ctx) -> Result<u64, TenantError> {
        let mut all = 0;
        loop {
            let tenants = {
                let tx = self.db.read_system("a job over all tenants").await?;
                invitations::tenants_with_overdue(&tx, cx.now()).await?
            };
            let (mut expired, mut failure) = (0, None);
            for tenant in tenants {
                match self.expire_some(&cx.in_tenant(tenant), tenant).await {
                    Ok(some) => expired += some,
                    Err(error) => failure = Some(error),
                }
            }
            all += expired;
            match failure {
                // Whoever failed is overdue still; going on without progress would never end.
                _ if expired > 0 => {}
                None => return Ok(all),
                Some(error) => return Err(error),
            }
        }
    }

    /// A transaction for each tenant: its audit chain is locked from the first record to the commit.
    async fn expire_some(&self, cx: &Ctx, tenant: TenantId) -> Result<u64, TenantError> {
        let tx = self.db.begin(cx).await?;
        store::lock(&tx, tenant).await?;
        let ids = invitations::expire(&tx, cx.now()).await?;
        for id in &ids {
            tx.audit(cx, &Changes::default().expired(*id, tenant)).await?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }
}
