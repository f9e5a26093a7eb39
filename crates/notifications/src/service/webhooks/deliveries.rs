//! What was posted, and how it went.

use kernel::{Ctx, Page, PageRequest};
use serde_json::value::RawValue;

use super::admin;
use crate::model::{Delivery, DeliveryId, DeliveryStory, WebhookId};
use crate::store::deliveries::LIST;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// One page of a webhook's deliveries, the newest first.
    pub(crate) async fn list_webhook_deliveries(
        &self,
        cx: &Ctx,
        webhook: WebhookId,
        state: Option<String>,
        request: PageRequest,
    ) -> Result<Page<Delivery>, NotificationError> {
        admin(cx)?;
        let at = LIST.position(LIST.order(None, false), request)?;
        let tx = self.db.read(cx).await?;
        store::webhooks::find(&tx, webhook).await?.ok_or(NotificationError::WebhookNotFound)?;
        let tenant = tx.tenant().0;
        Ok(LIST.page(&tx, at, &[&tenant, &webhook.0, &state]).await?)
    }

    /// One of them, with what is posted and every attempt.
    pub(crate) async fn get_webhook_delivery(
        &self,
        cx: &Ctx,
        webhook: WebhookId,
        id: DeliveryId,
    ) -> Result<DeliveryStory, NotificationError> {
        admin(cx)?;
        let tx = self.db.read(cx).await?;
        let found = store::deliveries::find(&tx, webhook, id).await?.ok_or(NotificationError::DeliveryNotFound)?;
        let history = store::deliveries::attempts(&tx, id).await?;
        let body = RawValue::from_string(found.body).unwrap_or_default();
        Ok(DeliveryStory { delivery: found.delivery, body, history })
    }
}
