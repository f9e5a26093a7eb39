//! An event becomes what people are told: in one transaction with the end of its job, so once.

use std::time::Duration;

use db::events::{Happened, KIND};
use db::jobs::Leased;
use jiff::SignedDuration;
use kernel::{Ctx, UserId};

use super::bulk_create::{ANNOUNCED, Announcement};
use super::inform::News;
use crate::model::Level;
use crate::{NotificationError, Notifications};

/// How long a worker may take before another takes over.
const LEASE: Duration = Duration::from_secs(30);
/// How many events one worker takes at a time.
const BATCH: i64 = 20;
/// The longest wait between two attempts.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(10);

impl Notifications {
    /// Tells of due events; returns how many it took. Those that failed are tried again later, without end: an event is
    /// never given up.
    pub async fn dispatch(&self, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take(cx, KIND, BATCH, LEASE).await?;
        for job in &jobs {
            match self.tell(cx, job).await {
                Ok(()) => {}
                // Whoever has it now tells of it.
                Err(NotificationError::Database(db::Error::LeaseLost)) => {
                    tracing::info!(job = %job.id, "an event was taken over by another worker");
                }
                Err(error) => {
                    tracing::warn!(job = %job.id, attempt = job.attempt, %error, "an event could not be told of");
                    let until = cx.now() + wait(job.attempt);
                    // Not put off, it is due again when its lease is over; the others of the batch need not wait for that.
                    if let Err(error) = self.db.put_off(cx, job, until, &error.to_string()).await {
                        tracing::warn!(job = %job.id, %error, "an event could not be put off");
                    }
                }
            }
        }
        Ok(jobs.len())
    }

    async fn tell(&self, cx: &Ctx, job: &Leased) -> Result<(), NotificationError> {
        let cx = cx.in_tenant(job.tenant);
        let tx = self.db.begin(&cx).await?;
        // What cannot be read stays where it is, tried ever more rarely and seen in the backlog, for a program that can.
        let happened: Happened = serde_json::from_str(&job.payload).map_err(|_| NotificationError::Unreadable)?;
        if let Some((people, news)) = self.news(&tx, &happened).await? {
            self.inform(&tx, &cx, job.id, &people, &news).await?;
        }
        self.fan_out(&tx, &cx, job.id, &happened).await?;
        tx.finish(job).await?;
        Ok(tx.commit().await?)
    }

    /// Who is told what of an event; `None` for events that concern machines only.
    async fn news(
        &self,
        tx: &db::TenantTx,
        happened: &Happened,
    ) -> Result<Option<(Vec<UserId>, News)>, NotificationError> {
        let Happened { event, data, actor, .. } = happened;
        if event == ANNOUNCED {
            let Announcement { audience, draft } =
                serde_json::from_value(data.clone()).map_err(|_| NotificationError::Unreadable)?;
            let people = self.audience(tx, &audience).await?;
            return Ok(people.map(|people| (people, News::written(ANNOUNCED, draft))));
        }
        let Some(level) = level(event) else { return Ok(None) };
        let people = if event == "tenant.suspended" {
            self.people.admins(tx).await?
        } else {
            let Some(Ok(person)) = data["user_id"].as_str().map(str::parse::<UserId>) else { return Ok(None) };
            // Nobody is told of their own doing, except where it may not have been theirs.
            if *actor == Some(person.0) && level == Level::Info {
                return Ok(None);
            }
            vec![person]
        };
        Ok(Some((people, News::templated(event, level, data))))
    }
}

/// How news of an event are shown; `None` when people are not told of it.
fn level(event: &str) -> Option<Level> {
    match event {
        "workspace.member.added" | "workspace.member.role_changed" | "user.role_changed" => Some(Level::Info),
        "user.password_changed" | "user.new_device" => Some(Level::Warning),
        "tenant.suspended" => Some(Level::Error),
        _ => None,
    }
}

/// Doubles from a second on.
pub(super) fn wait(attempt: i32) -> SignedDuration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(10);
    SignedDuration::from_secs(1_i64 << doublings).min(LONGEST_WAIT)
}
