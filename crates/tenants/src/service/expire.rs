//! Invitations that time has ended are marked so. They are refused before the job gets to them; marking makes the row
//! say so and leaves a record.

use kernel::Ctx;

use super::changes::Changes;
use crate::store::{self, invitations};
use crate::{TenantError, Tenants};

impl Tenants {
    /// Expires what is overdue, a bounded number a call; returns how many. Safe to run on many replicas at once.
    pub async fn expire_invitations(&self, cx: &Ctx) -> Result<u64, TenantError> {
        let tenants = {
            let tx = self.db.read_system("a job over all tenants").await?;
            invitations::tenants_with_overdue(&tx, cx.now()).await?
        };
        let mut expired = 0;
        // A transaction each: a tenant's audit chain is locked from its first record to the commit.
        for tenant in tenants {
            let tx = self.db.begin(&cx.in_tenant(tenant)).await?;
            store::lock(&tx, tenant).await?;
            let ids = invitations::expire(&tx, cx.now()).await?;
            for id in &ids {
                tx.audit(cx, &Changes::default().expired(*id, tenant)).await?;
            }
            tx.commit().await?;
            expired += ids.len() as u64;
        }
        Ok(expired)
    }
}
