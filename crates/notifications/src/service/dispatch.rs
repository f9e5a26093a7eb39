//! An event becomes what people are told: in one transaction with the end of its job, so once.

use std::time::Duration;

use db::events::{Happened, KIND};
use db::jobs::Leased;
use jiff::SignedDuration;
use kernel::{Ctx, UserId};
use serde_json::{Map, Value};

use super::bulk_create::{ANNOUNCED, Announcement};
use crate::model::Draft;
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
        if let Some((people, draft)) = self.news(&tx, &happened).await?
            && !people.is_empty()
        {
            self.put_into_feeds(&tx, &cx, job.id, &people, &draft).await?;
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
    ) -> Result<Option<(Vec<UserId>, Draft)>, NotificationError> {
        let Happened { event, data, actor, .. } = happened;
        if event == ANNOUNCED {
            let Announcement { audience, draft } =
                serde_json::from_value(data.clone()).map_err(|_| NotificationError::Unreadable)?;
            return Ok(self.audience(tx, &audience).await?.map(|people| (people, draft)));
        }
        let field = |name: &str| data[name].as_str().unwrap_or_default();
        let (level, title, message) = match event.as_str() {
            "workspace.member.added" => (
                "info",
                format!("You were added to {}", field("workspace_name")),
                format!("Your role in the workspace is {}.", field("role")),
            ),
            "workspace.member.role_changed" => (
                "info",
                format!("Your role in {} changed", field("workspace_name")),
                format!("It was {} and is {} now.", field("old_role"), field("role")),
            ),
            "user.role_changed" => (
                "info",
                "Your role changed".to_owned(),
                format!("It was {} and is {} now.", field("old_role"), field("role")),
            ),
            "user.password_changed" => (
                "warning",
                "Your password was changed".to_owned(),
                "If it was not you, ask an admin of your organisation for help at once.".to_owned(),
            ),
            "user.new_device" => (
                "warning",
                "New log-in to your account".to_owned(),
                format!("From {} with {}. If it was not you, change your password.", field("ip"), field("user_agent")),
            ),
            "tenant.suspended" => (
                "error",
                "Your organisation was suspended".to_owned(),
                "Nobody can log in until it is reactivated.".to_owned(),
            ),
            _ => return Ok(None),
        };
        let people = if event == "tenant.suspended" {
            self.people.admins(tx).await?
        } else {
            let Ok(person) = field("user_id").parse::<UserId>() else { return Ok(None) };
            // Nobody is told of their own doing, except where it may not have been theirs.
            if *actor == Some(person.0) && level == "info" {
                return Ok(None);
            }
            self.people.known(tx, &[person]).await?
        };
        let data: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
        let level = level.to_owned();
        Ok(Some((people, Draft { kind: event.clone(), level, title, message, data, expires_at: None })))
    }
}

/// Doubles from a second on.
fn wait(attempt: i32) -> SignedDuration {
    let doublings = u32::try_from(attempt - 1).unwrap_or_default().min(10);
    SignedDuration::from_secs(1_i64 << doublings).min(LONGEST_WAIT)
}
