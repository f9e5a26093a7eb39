//! How many are unread, counted from the rows.

use kernel::Ctx;

use super::own;
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// How many of the caller's notifications are unread.
    pub(crate) async fn count_unread(&self, cx: &Ctx) -> Result<i64, NotificationError> {
        let user = own(cx)?;
        Ok(store::feed::count_unread(&self.db.read(cx).await?, user, cx.now()).await?)
    }
}
