//! A tenant's settings.

use kernel::{Ctx, TenantId};
use serde_json::{Map, Value};

use super::changes::Changes;
use crate::model::{Settings, Status};
use crate::{TenantError, Tenants, store};

impl Tenants {
    /// The settings, defaults included.
    pub(crate) async fn get_settings(&self, cx: &Ctx, id: TenantId) -> Result<Settings, TenantError> {
        Ok(self.get(cx, id).await?.settings)
    }

    /// Changes settings: what is given overwrites, `null` goes back to the default, the rest stays.
    pub(crate) async fn update_settings(
        &self,
        cx: &Ctx,
        id: TenantId,
        change: Map<String, Value>,
    ) -> Result<Settings, TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let before = self.read(cx, &tx, id).await?;
        tx.if_match(&before.settings.effective())?;
        if before.status != Status::Active {
            return Err(TenantError::not_active(before.status));
        }
        let after = before.settings.changed(change)?;
        let changes = changes(&before.settings, &after);
        if changes.is_empty() {
            return Ok(after);
        }
        store::ensure(&tx, cx.now()).await?;
        store::set_settings(&tx, &after.to_stored(), cx.now()).await?;
        tx.audit(cx, &changes.of_tenant("tenant.settings_updated", id)).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn changes(before: &Settings, after: &Settings) -> Changes {
    let (before, after) = (before.effective(), after.effective());
    let value = |all: &Map<String, Value>, name: &str| all.get(name).cloned().unwrap_or_default();
    let names = before.keys().chain(after.keys());
    names.fold(Changes::default(), |changes, name| changes.field(name, value(&before, name), value(&after, name)))
}
