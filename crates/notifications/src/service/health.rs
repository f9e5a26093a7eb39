//! Can the slice do its work?

use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Reads from the slice's own tables.
    pub async fn health(&self) -> Result<(), NotificationError> {
        let tx = self.db.read_system("a health check belongs to no tenant").await?;
        Ok(store::feed::probe(&tx).await?)
    }
}
