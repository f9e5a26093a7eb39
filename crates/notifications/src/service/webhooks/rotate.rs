//! A new secret, without a moment in which the receiver has the wrong one.

use jiff::{SignedDuration, Timestamp};
use kernel::Ctx;
use serde_json::json;

use super::{admin, record};
use crate::model::WebhookId;
use crate::webhooks::Secret;
use crate::{NotificationError, Notifications, store};

/// How long messages are signed with the old secret too.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

impl Notifications {
    /// Returns the new secret, and until when the old one signs beside it. One that still did is dropped.
    pub(crate) async fn rotate_webhook_secret(
        &self,
        cx: &Ctx,
        id: WebhookId,
    ) -> Result<(String, Timestamp), NotificationError> {
        admin(cx)?;
        let secret = Secret::new(cx.rng());
        let sealed = secret.sealed(&self.seal, cx.rng(), id.0);
        let until = cx.now() + OVERLAP;
        let tx = self.db.begin(cx).await?;
        store::webhooks::lock(&tx, id).await?.ok_or(NotificationError::WebhookNotFound)?;
        store::webhooks::rotate(&tx, id, &sealed, until, cx.now()).await?;
        let changes = json!({ "old_secret_until": { "old": null, "new": until } });
        tx.audit(cx, &record(&tx, "webhook.secret_rotated", id, &changes)).await?;
        tx.commit().await?;
        Ok((secret.shown(), until))
    }
}
