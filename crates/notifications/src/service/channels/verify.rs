//! Somebody repeats the code.

use kernel::Ctx;
use serde_json::json;

use super::super::own;
use super::record;
use crate::model::{Channel, ChannelId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// From here on, notifications are sent to the address. One that is verified stays it, whatever the code.
    pub(crate) async fn verify_channel(
        &self,
        cx: &Ctx,
        id: ChannelId,
        code: &str,
    ) -> Result<Channel, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let channel = store::channels::lock(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        if channel.verified {
            return Ok(channel);
        }
        let (code_id, digest) =
            store::codes::take_a_try(&tx, id, cx.now()).await?.ok_or(NotificationError::CodeExpired)?;
        // People type the gap too.
        let code: String = code.split_whitespace().collect();
        if !self.seal.is_digest_of(code_id, &code, &digest) {
            // The try counts.
            tx.commit().await?;
            return Err(NotificationError::WrongCode);
        }
        store::channels::verified(&tx, id, cx.now()).await?;
        let after = store::channels::find(&tx, user, id).await?.ok_or(NotificationError::ChannelNotFound)?;
        let changes = json!({ "verified": { "old": false, "new": true } });
        tx.audit(cx, &record(&tx, "notification_channel.verified", id, &changes)).await?;
        tx.commit().await?;
        Ok(after)
    }
}
