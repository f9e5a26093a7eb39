//! A single notification.

use kernel::Ctx;

use super::own;
use crate::model::{Notification, NotificationId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// One of the caller's own.
    pub(crate) async fn get(&self, cx: &Ctx, id: NotificationId) -> Result<Notification, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.read(cx).await?;
        store::feed::find(&tx, user, id, cx.now()).await?.ok_or(NotificationError::NotFound)
    }
}
