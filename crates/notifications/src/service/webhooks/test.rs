//! Trying a webhook out.

use db::events::Happened;
use kernel::{Ctx, UserId};
use serde_json::json;
use uuid::Uuid;

use super::fan_out::send_off;
use super::{admin, record};
use crate::model::{Delivery, WebhookId};
use crate::{NotificationError, Notifications, store};

/// The event it gets, whatever its filters say.
const TEST: &str = "webhook.test";

impl Notifications {
    /// Sends a `webhook.test` event to this webhook alone.
    pub(crate) async fn test_webhook(&self, cx: &Ctx, id: WebhookId) -> Result<Delivery, NotificationError> {
        admin(cx)?;
        let tx = self.db.begin(cx).await?;
        let webhook = store::webhooks::lock(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        self.sends_to(&webhook)?;
        let actor = cx.actor.user_id().map(|UserId(id)| id);
        let data = json!({ "webhook_id": id.0 });
        let happened = Happened { event: TEST.to_owned(), data, at: cx.now(), actor };
        let delivery = send_off(&tx, cx, id, cx.new_id::<Uuid>(), &happened).await?;
        let made = store::deliveries::find(&tx, id, delivery).await?.ok_or(NotificationError::DeliveryNotFound)?;
        let changes = json!({ "delivery_id": { "old": null, "new": delivery.0 } });
        tx.audit(cx, &record(&tx, "webhook.tested", id, &changes)).await?;
        tx.commit().await?;
        Ok(made.delivery)
    }

    /// Refuses to send what would not be posted.
    pub(super) fn sends_to(&self, webhook: &crate::Webhook) -> Result<(), NotificationError> {
        match (self.deliver, webhook.disabled) {
            (false, _) => Err(NotificationError::DeliveriesOff),
            (true, true) => Err(NotificationError::WebhookDisabled),
            (true, false) => Ok(()),
        }
    }
}
