//! Changing a webhook, and switching it on again.

use kernel::Ctx;

use super::{admin, changes, record};
use crate::model::{NewWebhook, Webhook, WebhookFields, WebhookId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Changes the fields that are given; what changes nothing writes nothing.
    pub(crate) async fn update_webhook(
        &self,
        cx: &Ctx,
        id: WebhookId,
        change: NewWebhook,
    ) -> Result<Webhook, NotificationError> {
        self.change_webhook(cx, id, change, "webhook.updated").await
    }

    /// Posts to it again, from the next event on; what failed so far no longer counts.
    pub(crate) async fn enable_webhook(&self, cx: &Ctx, id: WebhookId) -> Result<Webhook, NotificationError> {
        let change = NewWebhook { disabled: Some(false), ..NewWebhook::default() };
        self.change_webhook(cx, id, change, "webhook.enabled").await
    }

    async fn change_webhook(
        &self,
        cx: &Ctx,
        id: WebhookId,
        change: NewWebhook,
        action: &'static str,
    ) -> Result<Webhook, NotificationError> {
        admin(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::webhooks::lock(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        tx.if_match(&before)?;
        let old = WebhookFields::of(&before);
        let new = change.over(old.clone())?;
        self.reachable(&new.url)?;
        if new == old {
            return Ok(before);
        }
        let reason = match (old.disabled, new.disabled) {
            (true, true) => before.disabled_reason.as_deref(),
            (false, true) => Some("by_hand"),
            (_, false) => None,
        };
        // Another address, or a decision to try again: the three days begin anew.
        let forgive = new.url != old.url || (old.disabled && !new.disabled);
        store::webhooks::update(&tx, id, &new, reason, forgive, cx.now()).await?;
        let after = store::webhooks::find(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        tx.audit(cx, &record(&tx, action, id, &changes(&old, &new))).await?;
        tx.commit().await?;
        Ok(after)
    }
}
