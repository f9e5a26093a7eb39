//! A single webhook.

use kernel::Ctx;

use super::admin;
use crate::model::{Webhook, WebhookId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// One of the tenant's.
    pub(crate) async fn get_webhook(&self, cx: &Ctx, id: WebhookId) -> Result<Webhook, NotificationError> {
        admin(cx)?;
        store::webhooks::find(&self.db.read(cx).await?, id).await?.ok_or(NotificationError::WebhookNotFound)
    }
}
