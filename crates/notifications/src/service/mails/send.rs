//! The worker that sends mails. A mail is sent at least once: should the program end between the server's answer and the
//! commit, it is sent again under the same `Message-ID`.

use std::sync::Arc;
use std::time::Duration;

use db::jobs::{Job, Leased};
use jiff::SignedDuration;
use kernel::Ctx;
use tokio::task::JoinSet;

use super::{KIND, Payload};
use crate::mail::Failure;
use crate::store::mails::Due;
use crate::webhooks::wait;
use crate::{NotificationError, Notifications, store};

/// Longer than an attempt takes; then another worker takes over.
const LEASE: Duration = Duration::from_mins(1);
/// How many are sent at the same time: mail servers turn away whoever comes with more.
const AT_ONCE: i64 = 4;
/// How often to look for work when there was none.
const IDLE: Duration = Duration::from_millis(500);
/// How long to leave a database alone that did not answer.
const TROUBLE: Duration = Duration::from_secs(2);
/// How long mails are remembered.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Notifications {
    /// Sends what is due, as long as the program runs; where there is no e-mail, what was written before stays.
    pub async fn run_mails(self: Arc<Self>, cx: Ctx) {
        if self.mailer.is_none() {
            return;
        }
        loop {
            let pause = match self.send_mails(&cx).await {
                Ok(0) => IDLE,
                Ok(_) => continue,
                Err(error) => {
                    tracing::warn!(%error, "mails could not be looked for");
                    TROUBLE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends what is due now, [`AT_ONCE`] at most; returns how many.
    pub async fn send_mails(self: &Arc<Self>, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take(cx, KIND, AT_ONCE, LEASE).await?;
        let taken = jobs.len();
        let mut running = JoinSet::new();
        for job in jobs {
            let (this, cx) = (Arc::clone(self), cx.in_tenant(job.tenant));
            running.spawn(async move {
                match this.send_mail(&cx, &job).await {
                    Ok(()) => {}
                    Err(NotificationError::Database(db::Error::LeaseLost)) => {
                        tracing::info!(job = %job.id, "a mail was taken over by another worker");
                    }
                    // The job is still there: once its lease is over, it is taken again.
                    Err(error) => tracing::warn!(job = %job.id, %error, "a mail could not be sent"),
                }
            });
        }
        running.join_all().await;
        Ok(taken)
    }

    async fn send_mail(&self, cx: &Ctx, job: &Leased) -> Result<(), NotificationError> {
        let due = match serde_json::from_str::<Payload>(&job.payload) {
            Ok(Payload { mail }) => store::mails::due(&self.db.read(cx).await?, mail).await?,
            Err(_) => None,
        };
        // Deleted with its channel, or sent before.
        let Some(due) = due else {
            let tx = self.db.begin(cx).await?;
            tx.finish(job).await?;
            return Ok(tx.commit().await?);
        };
        let outcome = if !due.wanted {
            Err(Failure { message: "the channel is switched off".to_owned(), for_good: true })
        } else if let (Some(mailer), Some(mail)) = (&self.mailer, self.open_mail(due.id, &due.content)) {
            mailer.send(&due.recipient, due.id, cx.now(), &mail).await
        } else {
            // After a change of JWT_SECRET.
            Err(Failure { message: "its content cannot be opened".to_owned(), for_good: true })
        };
        if let Err(Failure { message, .. }) = &outcome {
            tracing::warn!(mail = %due.id, attempt = due.attempts + 1, why = message, "a mail was not sent");
        }
        self.settle_mail(cx, job, &due, outcome).await
    }

    /// Writes down what an attempt came to and decides what is next, in one transaction with the end of its job. Channels
    /// are locked before their mails, as deleting one does.
    async fn settle_mail(
        &self,
        cx: &Ctx,
        job: &Leased,
        due: &Due,
        outcome: Result<(), Failure>,
    ) -> Result<(), NotificationError> {
        let now = cx.now();
        let next = match &outcome {
            Err(failure) if !failure.for_good => {
                wait(cx.rng(), due.attempts + 1).and_then(|wait| now.checked_add(wait).ok())
            }
            _ => None,
        };
        let state = match (&outcome, next) {
            (Ok(()), _) => "sent",
            (Err(_), Some(_)) => "pending",
            (Err(_), None) => "dead",
        };
        let error = outcome.as_ref().err().map(|failure| failure.message.chars().take(500).collect::<String>());
        let tx = self.db.begin(cx).await?;
        tx.finish(job).await?;
        if let Some(channel) = due.channel {
            store::channels::sent(&tx, channel, outcome.is_ok().then_some(now), error.as_deref()).await?;
        }
        store::mails::settle(&tx, due.id, (state, next), 1, error.as_deref(), now).await?;
        if let Some(next) = next {
            let job = Job { kind: KIND, tenant: tx.tenant(), payload: Payload::of(due.id), run_at: next };
            tx.enqueue(cx, &job).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets finished mails and old codes; returns how many.
    pub async fn delete_old_mails(&self, cx: &Ctx) -> Result<u64, NotificationError> {
        let before = cx.now() - KEPT;
        let mut deleted = 0;
        loop {
            let tx = self.db.begin_system(cx, "a job over all tenants").await?;
            let mails = store::mails::delete_old(&tx, before).await?;
            let codes = store::codes::delete_old(&tx, before).await?;
            tx.commit().await?;
            deleted += mails + codes;
            if mails.max(codes) < 1000 {
                return Ok(deleted);
            }
        }
    }
}
