//! Posting again what was given up, or what the receiver lost.

use jiff::Timestamp;
use kernel::Ctx;
use serde_json::json;

use super::fan_out::{enqueue, payload};
use super::{KIND, admin, record};
use crate::model::{Delivery, DeliveryId, WebhookId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Sends a finished delivery off again, with all its attempts before it.
    pub(crate) async fn redrive_delivery(
        &self,
        cx: &Ctx,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<Delivery, NotificationError> {
        admin(cx)?;
        let tx = self.db.begin(cx).await?;
        let locked = store::webhooks::lock(&tx, webhook).await?.ok_or(NotificationError::WebhookNotFound)?;
        store::deliveries::find(&tx, webhook, id).await?.ok_or(NotificationError::DeliveryNotFound)?;
        self.sends_to(&locked)?;
        if !store::deliveries::revive(&tx, webhook, id, cx.now()).await? {
            return Err(NotificationError::DeliveryPending);
        }
        enqueue(&tx, cx, (webhook, id), cx.now()).await?;
        let after = store::deliveries::find(&tx, webhook, id).await?.ok_or(NotificationError::DeliveryNotFound)?;
        let changes = json!({ "deliveries": { "old": null, "new": 1 }, "delivery_id": { "old": null, "new": id.0 } });
        tx.audit(cx, &record(&tx, "webhook.redriven", webhook, &changes)).await?;
        tx.commit().await?;
        Ok(after.delivery)
    }

    /// Sends off again what was given up of the time from `from` until before `to`, 500 at most, the oldest first;
    /// returns how many.
    pub(crate) async fn redrive_webhook(
        &self,
        cx: &Ctx,
        webhook: WebhookId,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<usize, NotificationError> {
        admin(cx)?;
        let tx = self.db.begin(cx).await?;
        let locked = store::webhooks::lock(&tx, webhook).await?.ok_or(NotificationError::WebhookNotFound)?;
        self.sends_to(&locked)?;
        let ids = store::deliveries::revive_dead(&tx, webhook, (from, to), cx.now()).await?;
        let jobs = ids.iter().map(|id| (webhook.0, payload(*id), cx.now()));
        tx.enqueue_all(cx, (KIND, tx.tenant()), jobs).await?;
        let changes = json!({ "deliveries": { "old": null, "new": ids.len() } });
        tx.audit(cx, &record(&tx, "webhook.redriven", webhook, &changes)).await?;
        tx.commit().await?;
        Ok(ids.len())
    }
}
