//! An address is forgotten, and with it what was to be sent there.

use kernel::Ctx;
use serde_json::json;

use super::super::own;
use super::record;
use crate::model::ChannelId;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Deletes it.
    pub(crate) async fn delete_channel(&self, cx: &Ctx, id: ChannelId) -> Result<(), NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::channels::lock(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        tx.if_match(&before)?;
        store::channels::delete(&tx, id).await?;
        let changes =
            json!({ "type": { "old": before.kind, "new": null }, "address": { "old": before.address, "new": null } });
        tx.audit(cx, &record(&tx, "notification_channel.deleted", id, &changes)).await?;
        Ok(tx.commit().await?)
    }
}
