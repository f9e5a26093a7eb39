//! The worker that posts. A delivery is posted at least once: should the program end between the answer and the commit,
//! it is posted again under the same `webhook-id`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::jobs::Leased;
use jiff::SignedDuration;
use kernel::Ctx;
use serde::Deserialize;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::KIND;
use super::disable::Reason;
use super::fan_out::enqueue;
use crate::model::DeliveryId;
use crate::store::deliveries::{Due, Outcome};
use crate::webhooks::{Secret, headers, wait};
use crate::{NotificationError, Notifications, store};

/// Longer than an attempt takes; then another worker takes over.
const LEASE: Duration = Duration::from_mins(1);
/// How many are posted at the same time.
const AT_ONCE: usize = 16;
/// How often to look for work when there was none.
const IDLE: Duration = Duration::from_millis(250);
/// How long to leave a database alone that did not answer.
const TROUBLE: Duration = Duration::from_secs(2);

/// What the job says.
#[derive(Deserialize)]
struct Payload {
    delivery: Uuid,
}

impl Notifications {
    /// Posts what is due, as long as the program runs. A slow receiver holds up one place of [`AT_ONCE`], for the time
    /// that an attempt may take.
    pub async fn run_deliveries(self: Arc<Self>, cx: Ctx) {
        let mut running = JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            let free = AT_ONCE - running.len();
            if free == 0 {
                running.join_next().await;
                continue;
            }
            let pause = match self.db.take(&cx, KIND, i64::try_from(free).unwrap_or(1), LEASE).await {
                Ok(jobs) if jobs.is_empty() => IDLE,
                Ok(jobs) => {
                    for job in jobs {
                        let (this, cx) = (Arc::clone(&self), cx.clone());
                        running.spawn(async move { this.attempt(&cx, &job).await });
                    }
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "deliveries could not be looked for");
                    TROUBLE
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Posts once what is due now, [`AT_ONCE`] at most; returns how many.
    pub async fn deliver(self: &Arc<Self>, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take(cx, KIND, i64::try_from(AT_ONCE).unwrap_or(1), LEASE).await?;
        let taken = jobs.len();
        let mut running = JoinSet::new();
        for job in jobs {
            let (this, cx) = (Arc::clone(self), cx.clone());
            running.spawn(async move { this.attempt(&cx, &job).await });
        }
        running.join_all().await;
        Ok(taken)
    }

    async fn attempt(&self, cx: &Ctx, job: &Leased) {
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
        let outcome = self.post(cx, &due).await;
        self.settle(cx, job, &due, &outcome).await
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
        let (status_code, error) = match answer {
            Ok(status) if status.is_success() => (Some(i32::from(status.as_u16())), None),
            Ok(status) if status.is_redirection() => {
                (Some(i32::from(status.as_u16())), Some("redirects are not followed: set the webhook's URL".to_owned()))
            }
            Ok(status) => (Some(i32::from(status.as_u16())), Some(format!("answered {}", status.as_u16()))),
            Err(why) => (None, Some(why.to_owned())),
        };
        let duration_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        Outcome { status_code, error, duration_ms, at }
    }

    /// Writes down what an attempt came to and decides what is next, in one transaction with the end of its job. Webhooks
    /// are locked before their deliveries, as deleting one does.
    async fn settle(&self, cx: &Ctx, job: &Leased, due: &Due, outcome: &Outcome) -> Result<(), NotificationError> {
        let now = cx.now();
        let delivered = outcome.error.is_none();
        let gone = outcome.status_code == Some(410);
        let next = if delivered || gone { None } else { wait(cx.rng(), due.tries + 1).map(|wait| later(now, wait)) };
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
            enqueue(&tx, cx, due.id, next).await?;
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

fn later(now: jiff::Timestamp, wait: SignedDuration) -> jiff::Timestamp {
    now.checked_add(wait).unwrap_or(now)
}
