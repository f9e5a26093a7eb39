//! What runs beside requests.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use kernel::Ctx;
use tokio::task::JoinHandle;
use users::Users;

const CLEAN_UP_EVERY: Duration = Duration::from_hours(1);

/// Starts all background jobs.
pub(crate) fn start(db: Db, users: Arc<Users>, cx: Ctx) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut hourly = tokio::time::interval(CLEAN_UP_EVERY);
        hourly.tick().await; // the first one is over at once, and a start has better things to do
        loop {
            hourly.tick().await;
            match users.delete_expired_sessions(&cx).await {
                Ok(rows) => tracing::info!(rows, "expired sessions deleted"),
                Err(error) => tracing::warn!(%error, "expired sessions could not be deleted"),
            }
            match db.delete_expired_keys(&cx).await {
                Ok(rows) => tracing::info!(rows, "expired idempotency keys deleted"),
                Err(error) => tracing::warn!(%error, "expired idempotency keys could not be deleted"),
            }
        }
    })
}
