//! What people want to be told of, and what holds in a tenant for those who did not say.

use db::TenantTx;
use db::audit::AuditEvent;
use kernel::{Actor, Ctx, Role, UserId};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::own;
use crate::model::{Choices, Preferences};
use crate::{NotificationError, Notifications, store};

/// Whose preferences are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The caller's.
    Own,
    /// What the tenant's admins decided for everybody.
    Tenant,
}

impl Notifications {
    /// What holds, whoever decided it.
    pub(crate) async fn get_preferences(&self, cx: &Ctx, whose: Whose) -> Result<Preferences, NotificationError> {
        let owner = owner(cx, whose)?;
        let tx = self.db.read(cx).await?;
        Ok(self.read_preferences(&tx, whose, owner).await?.1)
    }

    /// Changes what is given.
    pub(crate) async fn update_preferences(
        &self,
        cx: &Ctx,
        whose: Whose,
        change: Map<String, Value>,
    ) -> Result<Preferences, NotificationError> {
        self.decide(cx, whose, |before| before.changed(change)).await
    }

    /// Takes all choices back.
    pub(crate) async fn reset_preferences(&self, cx: &Ctx, whose: Whose) -> Result<Preferences, NotificationError> {
        self.decide(cx, whose, |_| Ok(Choices::default())).await
    }

    async fn decide(
        &self,
        cx: &Ctx,
        whose: Whose,
        change: impl FnOnce(&Choices) -> Result<Choices, NotificationError> + Send,
    ) -> Result<Preferences, NotificationError> {
        let owner = owner(cx, whose)?;
        let tx = self.db.begin(cx).await?;
        store::preferences::lock(&tx, owner).await?;
        let (before, effective) = self.read_preferences(&tx, whose, owner).await?;
        tx.if_match(&effective)?;
        let after = change(&before)?;
        if after == before {
            return Ok(effective);
        }
        if after == Choices::default() {
            store::preferences::delete(&tx, owner).await?;
        } else {
            store::preferences::set(&tx, owner, &after, cx.now()).await?;
        }
        let (_, effective) = self.read_preferences(&tx, whose, owner).await?;
        tx.audit(cx, &record(&tx, owner, &before, &after)).await?;
        tx.commit().await?;
        Ok(effective)
    }

    /// What the owner chose, and what holds.
    async fn read_preferences(
        &self,
        tx: &TenantTx,
        whose: Whose,
        owner: Uuid,
    ) -> Result<(Choices, Preferences), NotificationError> {
        let mut own = store::preferences::of(tx, &[owner]).await?;
        let own = own.remove(&owner).unwrap_or_default();
        if whose == Whose::Tenant {
            let effective = Preferences::default().with(&own);
            return Ok((own, effective));
        }
        let reader = self.readers(tx, &[UserId(owner)]).await?.pop().ok_or(NotificationError::NoPerson)?;
        Ok((own, reader.wishes))
    }
}

/// Defaults are for admins, and for services that name a tenant.
fn owner(cx: &Ctx, whose: Whose) -> Result<Uuid, NotificationError> {
    if whose == Whose::Own {
        return own(cx).map(|person| person.0);
    }
    let tenant = cx.known_tenant().ok_or(NotificationError::NoPerson)?;
    if cx.has_role(Role::Admin) || matches!(cx.actor, Actor::Internal { .. }) {
        Ok(tenant.0)
    } else {
        Err(NotificationError::DefaultsForAdminsOnly)
    }
}

fn record(tx: &TenantTx, owner: Uuid, before: &Choices, after: &Choices) -> AuditEvent {
    let changes = json!({ "choices": { "old": before.to_stored(), "new": after.to_stored() } });
    AuditEvent {
        action: "notification_preferences.updated",
        resource_type: "notification_preferences",
        resource_id: owner.to_string(),
        tenant: tx.tenant(),
        changes: Some(changes.to_string()),
    }
}
