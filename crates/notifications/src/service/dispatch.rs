//! An event becomes what people are told: in one transaction with the end of its job, so once.

use std::time::Duration;

use db::events::{Happened, KIND};
use db::jobs::Leased;
use jiff::SignedDuration;
use kernel::{Ctx, UserId};
use serde_json::{Map, Value};

use super::bulk_create::{ANNOUNCED, Announcement};
use crate::model::{Draft, Level};
use crate::templates::{self, Feed, Texts};
use crate::{NotificationError, Notifications, store};

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
        for (people, draft) in self.news(&tx, &cx, &happened).await? {
            store::feed::insert(&tx, &cx, job.id, &people, &draft).await?;
        }
        self.fan_out(&tx, &cx, job.id, &happened).await?;
        tx.finish(job).await?;
        Ok(tx.commit().await?)
    }

    /// Who is told what of an event; nobody of events that concern machines only.
    async fn news(
        &self,
        tx: &db::TenantTx,
        cx: &Ctx,
        happened: &Happened,
    ) -> Result<Vec<(Vec<UserId>, Draft)>, NotificationError> {
        let Happened { event, data, actor, .. } = happened;
        if event == ANNOUNCED {
            let Announcement { audience, draft } =
                serde_json::from_value(data.clone()).map_err(|_| NotificationError::Unreadable)?;
            let people = self.audience(tx, &audience).await?.unwrap_or_default();
            return Ok(if people.is_empty() { Vec::new() } else { vec![(people, draft)] });
        }
        let Some(level) = level(event) else { return Ok(Vec::new()) };
        let people = if event == "tenant.suspended" {
            self.people.admins(tx).await?
        } else {
            let Some(Ok(person)) = data["user_id"].as_str().map(str::parse::<UserId>) else { return Ok(Vec::new()) };
            // Nobody is told of their own doing, except where it may not have been theirs.
            if *actor == Some(person.0) && level == Level::Info {
                return Ok(Vec::new());
            }
            vec![person]
        };
        self.worded(tx, cx, event, level, data, &people).await
    }

    /// What is told of `kind` in the words of each of `people`, in their order, so that two of these cannot block each
    /// other for good; neighbours who are told the same stand together. Who has no living account is told nothing.
    pub(crate) async fn worded(
        &self,
        tx: &db::TenantTx,
        cx: &Ctx,
        kind: &str,
        level: Level,
        data: &Value,
        people: &[UserId],
    ) -> Result<Vec<(Vec<UserId>, Draft)>, NotificationError> {
        let texts = Texts::load(tx, kind).await?;
        let data: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
        let mut told: Vec<(Feed, Vec<UserId>)> = Vec::new();
        let mut addressees = self.people.addressees(tx, people).await?;
        addressees.sort_unstable_by_key(|person| person.id);
        for person in addressees {
            let locale = person.locale.as_deref().unwrap_or_default();
            let feed = texts.feed(locale, &templates::vars(&data, &person, cx.now()));
            match told.last_mut().filter(|(same, _)| *same == feed) {
                Some((_, people)) => people.push(person.id),
                None => told.push((feed, vec![person.id])),
            }
        }
        let draft = |Feed { title, message }| Draft {
            kind: kind.to_owned(),
            level: level.as_str().to_owned(),
            title,
            message,
            data: data.clone(),
            expires_at: None,
        };
        Ok(told.into_iter().map(|(feed, people)| (people, draft(feed))).collect())
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
