//! A person has read something. Reading it again changes nothing, not even when it was read (T-63).

use kernel::Ctx;

use super::own;
use crate::model::NotificationId;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Marks one of the caller's own as read.
    pub(crate) async fn read(&self, cx: &Ctx, id: NotificationId) -> Result<(), NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::feed::find(&tx, user, id, cx.now()).await?.ok_or(NotificationError::NotFound)?;
        tx.if_match(&before)?;
        if store::feed::read(&tx, user, id, cx.now()).await? {
            store::feed::changed(&tx, &[user]).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Marks all of the caller's own as read; returns how many were not.
    pub(crate) async fn read_all(&self, cx: &Ctx) -> Result<u64, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let rows = store::feed::read_all(&tx, user, cx.now()).await?;
        if rows > 0 {
            store::feed::changed(&tx, &[user]).await?;
        }
        tx.commit().await?;
        Ok(rows)
    }
}
