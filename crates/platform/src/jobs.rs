//! What runs beside requests. Every replica runs every job: each is safe to run many times at once.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use kernel::Ctx;
use tenants::Tenants;
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};
use users::Users;

const CLEAN_UP_EVERY: Duration = Duration::from_hours(1);
/// An overdue invitation is refused before it is marked, so marking is not urgent.
const EXPIRE_INVITATIONS_EVERY: Duration = Duration::from_mins(10);

/// Old registrations invent tenants as long as they run (T-53); without a row they work all the same.
const ADOPT_ORPHANS_EVERY: Duration = Duration::from_hours(1);

/// Starts all background jobs.
pub(crate) fn start(db: Db, users: Arc<Users>, tenants: Arc<Tenants>, cx: Ctx) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut clean_up = every(CLEAN_UP_EVERY).await;
        let mut expire_invitations = every(EXPIRE_INVITATIONS_EVERY).await;
        // Not `every`: after an upgrade the first rows are wanted at once.
        let mut adopt_orphans = interval(ADOPT_ORPHANS_EVERY);
        adopt_orphans.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = clean_up.tick() => {
                    match users.delete_expired_sessions(&cx).await {
                        Ok(rows) => tracing::info!(rows, "expired sessions deleted"),
                        Err(error) => tracing::warn!(%error, "expired sessions could not be deleted"),
                    }
                    match db.delete_expired_keys(&cx).await {
                        Ok(rows) => tracing::info!(rows, "expired idempotency keys deleted"),
                        Err(error) => tracing::warn!(%error, "expired idempotency keys could not be deleted"),
                    }
                }
                _ = expire_invitations.tick() => match tenants.expire_invitations(&cx).await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "overdue invitations expired"),
                    Err(error) => tracing::warn!(%error, "overdue invitations could not all be expired"),
                },
                _ = adopt_orphans.tick() => match tenants.adopt_orphans(&cx).await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "tenants without a row were given one"),
                    Err(error) => tracing::warn!(%error, "not every tenant without a row could be given one"),
                },
            }
        }
    })
}

/// The first tick is over at once, and a start has better things to do.
async fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    // What was missed while the machine slept is not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    ticks
}
