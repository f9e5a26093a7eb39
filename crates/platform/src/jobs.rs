//! What runs beside requests. Every replica runs every job: each is safe to run many times at once.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use kernel::Ctx;
use notifications::Notifications;
use tenants::Tenants;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Interval, MissedTickBehavior, interval};
use users::Users;

const CLEAN_UP_EVERY: Duration = Duration::from_hours(1);
/// An overdue invitation is refused before it is marked, so marking is not urgent.
const EXPIRE_INVITATIONS_EVERY: Duration = Duration::from_mins(10);

/// Old registrations invent tenants as long as they run (T-53); without a row they work all the same.
const ADOPT_ORPHANS_EVERY: Duration = Duration::from_hours(1);

/// How often to look for events when there were none.
const DISPATCH_EVERY: Duration = Duration::from_millis(250);
/// How long to leave a database alone that did not answer.
const TROUBLE: Duration = Duration::from_secs(2);

/// Starts telling people of events, and machines if `deliver`.
pub(crate) fn start_workers(notifications: &Arc<Notifications>, deliver: bool, cx: &Ctx) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn(dispatch(Arc::clone(notifications), cx.clone()));
    if deliver {
        workers.spawn(Arc::clone(notifications).run_deliveries(cx.clone()));
    }
    workers
}

/// Without a pause as long as there is something to tell.
async fn dispatch(notifications: Arc<Notifications>, cx: Ctx) {
    loop {
        let pause = match notifications.dispatch(&cx).await {
            Ok(0) => DISPATCH_EVERY,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "events could not be told of");
                TROUBLE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Starts all background jobs.
pub(crate) fn start(
    db: Db,
    users: Arc<Users>,
    tenants: Arc<Tenants>,
    notifications: Arc<Notifications>,
    cx: Ctx,
) -> JoinHandle<()> {
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
                    match notifications.delete_expired(&cx).await {
                        Ok(rows) => tracing::info!(rows, "expired notifications deleted"),
                        Err(error) => tracing::warn!(%error, "expired notifications could not be deleted"),
                    }
                    match notifications.delete_old_deliveries(&cx).await {
                        Ok(rows) => tracing::info!(rows, "old deliveries deleted"),
                        Err(error) => tracing::warn!(%error, "old deliveries could not be deleted"),
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
