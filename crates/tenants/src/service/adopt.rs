//! Rows for tenants that only people and workspaces speak of (T-53). Old registrations go on inventing ids for as long as
//! they run, so this is a job and no migration.

use kernel::{Ctx, TenantId};
use serde_json::Value;

use super::changes::Changes;
use crate::model::Tenant;
use crate::store::{self, workspaces};
use crate::{TenantError, Tenants};

impl Tenants {
    /// Makes the missing rows as they read before: active, on the free plan, the slug made of the id. Returns how many.
    /// Safe to run on many replicas at once and as often as one likes. A tenant whose row cannot be made, for example
    /// because the table has columns of somebody else's, does not hold up the others; the last failure is returned when
    /// they are done.
    pub async fn adopt_orphans(&self, cx: &Ctx) -> Result<u64, TenantError> {
        let (mut adopted, mut failure) = (0, None);
        let mut after = TenantId(uuid::Uuid::nil());
        loop {
            let found = self.people.tenants_after(&self.read_all().await?, after).await?;
            let Some(last) = found.last() else { break };
            after = *last;
            adopted += self.adopt_some(cx, &found, &mut failure).await?;
        }
        let mut after = String::new();
        loop {
            let found = workspaces::tenants_after(&self.read_all().await?, &after).await?;
            let Some(last) = found.last() else { break };
            after.clone_from(last);
            // What is no id can be no tenant's.
            let ids: Vec<TenantId> = found.iter().filter_map(|text| text.parse().ok()).collect();
            adopted += self.adopt_some(cx, &ids, &mut failure).await?;
        }
        failure.map_or(Ok(adopted), Err)
    }

    async fn read_all(&self) -> Result<db::SystemTx, db::Error> {
        self.db.read_system("a job over all tenants").await
    }

    async fn adopt_some(
        &self,
        cx: &Ctx,
        tenants: &[TenantId],
        failure: &mut Option<TenantError>,
    ) -> Result<u64, TenantError> {
        let orphans = store::without_row(&self.read_all().await?, tenants).await?;
        let mut adopted = 0;
        for id in orphans.into_iter().filter(|id| !id.0.is_nil()) {
            match self.adopt(cx, id).await {
                Ok(made) => adopted += u64::from(made),
                Err(error) => *failure = Some(error),
            }
        }
        Ok(adopted)
    }

    /// A transaction for each, so that nobody's changes wait for somebody else's row.
    async fn adopt(&self, cx: &Ctx, id: TenantId) -> Result<bool, TenantError> {
        let tenant = Tenant::without_row(id);
        let tx = self.db.begin_system(cx, "a tenant nobody founded").await?;
        store::lock(&tx, id).await?;
        if !store::adopt(&tx, &tenant, cx.now()).await? {
            return Ok(false);
        }
        let changes = Changes::default()
            .field("name", Value::Null, tenant.name.clone())
            .field("slug", Value::Null, tenant.slug)
            .field("plan", Value::Null, tenant.plan.as_str());
        tx.audit(cx, &changes.of_tenant("tenant.adopted", id)).await?;
        tx.commit().await?;
        Ok(true)
    }
}
