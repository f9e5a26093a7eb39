//! The end of a webhook.

use kernel::Ctx;

use super::{admin, changes, record};
use crate::model::{WebhookFields, WebhookId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Deletes it and all that was or was to be posted to it. Jobs that are left find nothing to do.
    pub(crate) async fn delete_webhook(&self, cx: &Ctx, id: WebhookId) -> Result<(), NotificationError> {
        admin(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::webhooks::lock(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        tx.if_match(&before)?;
        store::webhooks::delete(&tx, id).await?;
        let changes = changes(&WebhookFields::of(&before), &WebhookFields::nothing());
        tx.audit(cx, &record(&tx, "webhook.deleted", id, &changes)).await?;
        Ok(tx.commit().await?)
    }
}
