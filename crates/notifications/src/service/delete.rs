//! A person is done with something.

use kernel::Ctx;

use super::own;
use crate::model::NotificationId;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Deletes one of the caller's own.
    pub(crate) async fn delete(&self, cx: &Ctx, id: NotificationId) -> Result<(), NotificationError> {
        let user = own(cx)?;
        let tx = self.db.begin(cx).await?;
        let before = store::feed::find(&tx, user, id, cx.now()).await?.ok_or(NotificationError::NotFound)?;
        tx.if_match(&before)?;
        if !store::feed::delete(&tx, user, id).await? {
            return Err(NotificationError::NotFound);
        }
        store::feed::changed(&tx, &[user]).await?;
        Ok(tx.commit().await?)
    }
}
