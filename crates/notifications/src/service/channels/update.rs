//! An address is switched off and on.

use kernel::Ctx;
use serde_json::json;

use super::super::own;
use super::record;
use crate::model::{Channel, ChannelId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Switches it; what changes nothing writes nothing. A webhook that was given up is tried again.
    pub(crate) async fn switch_channel(&self, cx: &Ctx, id: ChannelId, on: bool) -> Result<Channel, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::channels::lock(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        tx.if_match(&before)?;
        if before.is_active == on {
            return Ok(before);
        }
        store::channels::switch(&tx, id, on, cx.now()).await?;
        if let Some(webhook) = store::channels::webhook_of(&tx, id).await? {
            store::webhooks::switch(&tx, webhook, on, cx.now()).await?;
        }
        let after = store::channels::find(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        let changes = json!({ "is_active": { "old": before.is_active, "new": on } });
        tx.audit(cx, &record(&tx, "notification_channel.updated", id, &changes)).await?;
        tx.commit().await?;
        Ok(after)
    }
}
