//! A new webhook.

use kernel::Ctx;
use uuid::Uuid;

use super::{admin, changes, record};
use crate::model::{NewWebhook, Webhook, WebhookFields, WebhookId};
use crate::webhooks::Secret;
use crate::{NotificationError, Notifications, store};

/// As many as one event is posted to.
const MOST: i64 = 20;

impl Notifications {
    /// Makes one; returns it with its secret, which is not shown again.
    pub(crate) async fn create_webhook(
        &self,
        cx: &Ctx,
        new: NewWebhook,
    ) -> Result<(Webhook, String), NotificationError> {
        admin(cx)?;
        let fields = new.over(WebhookFields::nothing())?;
        self.reachable(&fields.url)?;
        let (id, secret) = (WebhookId(cx.new_id::<Uuid>()), Secret::new(cx.rng()));
        let sealed = secret.sealed(&self.seal, cx.rng(), id.0);
        let tx = self.db.begin(cx).await?;
        if store::webhooks::count_locked(&tx).await? >= MOST {
            return Err(NotificationError::TooManyWebhooks(MOST));
        }
        store::webhooks::insert(&tx, (id, None), &fields, &sealed, cx.now()).await?;
        let made = store::webhooks::find(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        let changes = changes(&WebhookFields::nothing(), &fields);
        tx.audit(cx, &record(&tx, "webhook.created", id, &changes)).await?;
        tx.commit().await?;
        Ok((made, secret.shown()))
    }

    /// Refuses a URL that would never be posted to. What its host stands for is looked at before each attempt.
    pub(super) fn reachable(&self, url: &str) -> Result<(), NotificationError> {
        self.client.target(url).map(drop).map_err(|message| NotificationError::invalid("url", message))
    }
}
