//! An attempt at a delivery. It is posted at least once: should the program end between the answer and the commit,
//! it is posted again under the same `webhook-id`.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use db::jobs::Leased;
use jiff::SignedDuration;
use kernel::Ctx;
use serde::Deserialize;
use uuid::Uuid;

use super::disable::Reason;
use super::fan_out::enqueue;
use super::worker::LEASE;
use crate::model::DeliveryId;
use crate::store::deliveries::{Due, Outcome};
use crate::webhooks::{Answer, Secret, asked, headers, next_attempt};
use crate::{NotificationError, Notifications, store};

/// Longer than an answer usually takes, and short enough for a lease to outlast a database that is slow to renew it.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// What the job says.
#[derive(Deserialize)]
struct Payload {
    delivery: Uuid,
}

impl Notifications {
    pub(super) async fn attempt(&self, cx: &Ctx, job: &Leased) {
        let cx = cx.in_tenant(job.tenant);
        match self.make(&cx, job).await {
            Ok(()) => {}
            Err(NotificationError::Database(db::Error::LeaseLost)) => {
                tracing::info!(job = %job.id, "a delivery was taken over by another worker");
            }
            // The job is still there: once its lease is over, it is taken again.
            Err(error) => tracing::warn!(job = %job.id, %error, "a delivery could not be made"),
        }
    }

    async fn make(&self, cx: &Ctx, job: &Leased) -> Result<(), NotificationError> {
        let due = match serde_json::from_str::<Payload>(&job.payload) {
            Ok(Payload { delivery }) => {
                store::deliveries::due(&self.db.read(cx).await?, DeliveryId(delivery), cx.now()).await?
            }
            Err(_) => None,
        };
        // Deleted with its webhook, or made before.
        let Some(due) = due else {
            let tx = self.db.begin(cx).await?;
            tx.finish(job).await?;
            return Ok(tx.commit().await?);
        };
        if due.disabled {
            let tx = self.db.begin(cx).await?;
            tx.finish(job).await?;
            let why = Some("the webhook is disabled");
            store::deliveries::settle(&tx, due.id, ("dead", None), 0, (None, why), cx.now()).await?;
            return Ok(tx.commit().await?);
        }
        let outcome = tokio::select! {
            outcome = self.post(cx, &due) => outcome,
            never = self.renew(cx, job) => match never {},
        };
        self.settle(cx, job, &due, &outcome).await
    }

    /// Holds on to a job for as long as it takes. What fails here is found out when the outcome is written down.
    async fn renew(&self, cx: &Ctx, job: &Leased) -> Infallible {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            if let Err(error) = self.db.extend(cx, job, LEASE).await {
                tracing::info!(job = %job.id, %error, "a delivery's lease could not be renewed");
            }
        }
    }

    async fn post(&self, cx: &Ctx, due: &Due) -> Outcome {
        let (at, began) = (cx.now(), Instant::now());
        let open = |sealed: &Vec<u8>| Secret::opened(&self.seal, due.webhook.0, sealed);
        let secrets: Vec<_> = due.secrets.iter().filter_map(open).collect();
        let answer = if secrets.is_empty() {
            // After a change of JWT_SECRET.
            Err("the webhook's secret cannot be opened: rotate it")
        } else {
            self.client.post(&due.url, headers(due.id.0, at, &due.body, &secrets), due.body.clone()).await
        };
        let (status, error) = match &answer {
            Ok(Answer { status, .. }) if status.is_success() => (Some(status), None),
            Ok(Answer { status, .. }) if status.is_redirection() => {
                (Some(status), Some("redirects are not followed: set the webhook's URL".to_owned()))
            }
            Ok(Answer { status, .. }) => (Some(status), Some(format!("answered {}", status.as_u16()))),
            Err(why) => (None, Some((*why).to_owned())),
        };
        let status_code = status.map(|status| i32::from(status.as_u16()));
        let not_before = answer.as_ref().ok().and_then(|answer| asked(answer.retry_after.as_deref()?, cx.now()));
        let duration_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        Outcome { status_code, error, duration_ms, at, not_before }
    }

    /// Writes down what an attempt came to and decides what is next, in one transaction with the end of its job. Webhooks
    /// are locked before their deliveries, as deleting one does.
    async fn settle(&self, cx: &Ctx, job: &Leased, due: &Due, outcome: &Outcome) -> Result<(), NotificationError> {
        let now = cx.now();
        let delivered = outcome.error.is_none();
        let gone = outcome.status_code == Some(410);
        let next = if delivered || gone {
            None
        } else {
            next_attempt(cx.rng(), due.tries + 1, due.since.unwrap_or(outcome.at), now, outcome.not_before)
        };
        let state = match (delivered, next) {
            (true, _) => "delivered",
            (false, Some(_)) => "pending",
            (false, None) => "dead",
        };
        let tx = self.db.begin(cx).await?;
        tx.finish(job).await?;
        let switched = if delivered {
            store::webhooks::succeeded(&tx, due.webhook).await?;
            None
        } else {
            store::webhooks::failed(&tx, due.webhook, now).await?;
            let reason = if gone { Reason::Gone } else { Reason::Failing };
            self.disable_webhook(&tx, cx, due.webhook, &due.url, reason).await?
        };
        store::deliveries::attempted(&tx, cx, due.id, outcome).await?;
        let answer = (outcome.status_code, outcome.error.as_deref());
        store::deliveries::settle(&tx, due.id, (state, next), 1, answer, now).await?;
        if let Some(next) = next {
            enqueue(&tx, cx, (due.webhook, due.id), next).await?;
        }
        if let Some(switched) = switched {
            switched.audit(&tx, cx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets finished deliveries after 30 days; returns how many.
    pub async fn delete_old_deliveries(&self, cx: &Ctx) -> Result<u64, NotificationError> {
        let before = cx.now() - SignedDuration::from_hours(30 * 24);
        let mut deleted = 0;
        loop {
            let tx = self.db.begin_system(cx, "a job over all tenants").await?;
            let rows = store::deliveries::delete_old(&tx, before).await?;
            tx.commit().await?;
            deleted += rows;
            if rows < 1000 {
                return Ok(deleted);
            }
        }
    }
}
