//! What runs beside requests. Every replica runs every job: each is safe to run many times at once.

use std::sync::Arc;
use std::time::Duration;

use db::Db;
use kernel::Ctx;
use notifications::Notifications;
use tenants::Tenants;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};
use users::Users;

use crate::app::App;

const CLEAN_UP_EVERY: Duration = Duration::from_hours(1);
/// An overdue invitation is refused before it is marked, so marking is not urgent.
const EXPIRE_INVITATIONS_EVERY: Duration = Duration::from_mins(10);

/// Old registrations invent tenants as long as they run (T-53); without a row they work all the same.
const ADOPT_ORPHANS_EVERY: Duration = Duration::from_hours(1);

/// How soon an event is looked for when there was none.
const LOOK_FOR_EVENTS_EVERY: Duration = Duration::from_millis(250);
/// The same for digests: nobody waits for one to the second.
const LOOK_FOR_DIGESTS_EVERY: Duration = Duration::from_secs(5);
/// There are few of them, and none is urgent.
const LOOK_FOR_ANNOUNCEMENTS_EVERY: Duration = Duration::from_secs(1);
/// How long a change that an old log-in undid can stay undone, beyond the looks' own distance.
const LOOK_FOR_UNDONE_CHANGES_EVERY: Duration = Duration::from_millis(500);
/// How long to wait when the database is away.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Starts all background jobs, among them telling machines of events if `deliver`; dropping what is returned ends them. They may be ended at any point.
pub(crate) fn start(db: Db, app: &App, deliver: bool, cx: &Ctx) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let (users, tenants, notifications) = (&app.users, &app.tenants, &app.notifications);
    jobs.spawn(keep_house(db, Arc::clone(users), Arc::clone(tenants), Arc::clone(notifications), cx.clone()));
    if app.users.has_old_services() {
        jobs.spawn(put_back_changes(Arc::clone(users), cx.clone()));
    }
    jobs.spawn(tell_of_events(Arc::clone(notifications), cx.clone()));
    jobs.spawn(write_digests(Arc::clone(notifications), cx.clone()));
    jobs.spawn(Arc::clone(notifications).run_mails(cx.clone()));
    jobs.spawn(spread_announcements(Arc::clone(notifications), cx.clone()));
    if deliver {
        jobs.spawn(Arc::clone(notifications).run_deliveries(cx.clone()));
    }
    jobs
}

/// Turns events into what people are told.
async fn tell_of_events(notifications: Arc<Notifications>, cx: Ctx) {
    loop {
        match notifications.dispatch(&cx).await {
            Ok(0) => tokio::time::sleep(LOOK_FOR_EVENTS_EVERY).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "events could not be looked for");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Writes the mails that collect what a day or a week brought.
async fn write_digests(notifications: Arc<Notifications>, cx: Ctx) {
    loop {
        let pause = match notifications.write_digests(&cx).await {
            Ok(0) => LOOK_FOR_DIGESTS_EVERY,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(%error, "digests could not be looked for");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Passes announcements to everybody on, from tenants to tenants.
async fn spread_announcements(notifications: Arc<Notifications>, cx: Ctx) {
    loop {
        match notifications.spread(&cx).await {
            Ok(0) => tokio::time::sleep(LOOK_FOR_ANNOUNCEMENTS_EVERY).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "announcements could not be looked for");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// Puts back what old log-ins undo (T-30).
async fn put_back_changes(users: Arc<Users>, cx: Ctx) {
    loop {
        let pause = match users.put_back(&cx).await {
            Ok(_) => LOOK_FOR_UNDONE_CHANGES_EVERY,
            Err(error) => {
                tracing::warn!(%error, "accounts could not be looked at after a change");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// What is done every so often.
async fn keep_house(db: Db, users: Arc<Users>, tenants: Arc<Tenants>, notifications: Arc<Notifications>, cx: Ctx) {
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
                match notifications.delete_old_mails(&cx).await {
                    Ok(rows) => tracing::info!(rows, "old mails deleted"),
                    Err(error) => tracing::warn!(%error, "old mails could not be deleted"),
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
}

/// The first tick is over at once, and a start has better things to do.
async fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    // What was missed while the machine slept is not made up for.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    ticks
}
