//! Expired notifications are left out at once and deleted later.

use kernel::Ctx;

use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Deletes what has expired; returns how many.
    pub async fn delete_expired(&self, cx: &Ctx) -> Result<u64, NotificationError> {
        let mut deleted = 0;
        loop {
            let tx = self.db.begin_system(cx, "a job over all tenants").await?;
            let rows = store::feed::delete_expired(&tx, cx.now()).await?;
            tx.commit().await?;
            deleted += rows;
            if rows < 1000 {
                return Ok(deleted);
            }
        }
    }
}
