//! Ended log-ins are forgotten after a month.

use kernel::Ctx;

use crate::sessions::Sessions;
use crate::{UserError, Users};

impl Users {
    /// Deletes what ended more than a month ago, a bounded number of rows a call; returns how many went. Does nothing
    /// beside the old services, which clean up themselves.
    pub async fn delete_expired_sessions(&self, cx: &Ctx) -> Result<u64, UserError> {
        let Sessions::Postgres(sessions) = &self.sessions else { return Ok(0) };
        let tx = self.db.begin_system(cx, "a job over all tenants").await?;
        let gone = sessions.delete_expired(&tx, cx).await?;
        tx.commit().await?;
        Ok(gone)
    }
}
