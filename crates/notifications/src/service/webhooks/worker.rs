//! The worker that posts. It has places for many attempts, because most of an attempt is waiting; tenants and webhooks
//! have shares of them, and what frees itself goes to whoever has least. So a tenant whose receivers hang waits for
//! itself only.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use db::jobs::{Leased, Shares};
use kernel::{Ctx, TenantId};
use tokio::task::{Id, JoinSet};
use uuid::Uuid;

use super::KIND;
use crate::{NotificationError, Notifications};

/// Renewed while an attempt waits for its receiver; after it, another worker takes over.
pub(super) const LEASE: Duration = Duration::from_secs(15);
const SHARES: Shares = Shares { places: 64, tenant: 16, lane: 4 };
/// How often to look for work when there was none.
const IDLE: Duration = Duration::from_millis(250);
/// How long to leave a database alone that did not answer.
const TROUBLE: Duration = Duration::from_secs(2);

/// What is being posted.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    lanes: HashMap<Id, (TenantId, Uuid)>,
}

impl Running {
    fn start(&mut self, this: &Arc<Notifications>, cx: &Ctx, job: Leased) {
        let (this, cx, lane) = (Arc::clone(this), cx.clone(), (job.tenant, job.lane));
        let task = self.tasks.spawn(async move { this.attempt(&cx, &job).await });
        self.lanes.insert(task.id(), lane);
    }

    /// Waits until one has ended, well or in a panic; for ever when there is none.
    async fn one_ended(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => self.lanes.remove(&id),
            Some(Err(error)) => self.lanes.remove(&error.id()),
            None => std::future::pending().await,
        };
    }

    /// Forgets those that have ended.
    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.lanes.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
        }
    }

    fn busy(&self) -> Vec<(TenantId, Uuid)> {
        self.lanes.values().copied().collect()
    }
}

impl Notifications {
    /// Posts what is due, as long as the program runs. Dropped, it lets go of what it is at: that is taken again once its
    /// lease is over.
    pub async fn run_deliveries(self: Arc<Self>, cx: Ctx) {
        let mut running = Running::default();
        loop {
            running.forget_ended();
            let busy = running.busy();
            if busy.len() >= SHARES.places {
                running.one_ended().await;
                continue;
            }
            let pause = match self.db.take_fairly(&cx, KIND, SHARES, &busy, LEASE).await {
                Ok(jobs) if jobs.is_empty() => IDLE,
                Ok(jobs) => {
                    for job in jobs {
                        running.start(&self, &cx, job);
                    }
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%error, "deliveries could not be looked for");
                    tokio::time::sleep(TROUBLE).await;
                    continue;
                }
            };
            // Whoever waits for a place of their own share need not wait longer than that.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = running.one_ended() => {}
            }
        }
    }

    /// Posts once what is due now, as far as there are places; returns how many.
    pub async fn deliver(self: &Arc<Self>, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take_fairly(cx, KIND, SHARES, &[], LEASE).await?;
        let taken = jobs.len();
        let mut running = Running::default();
        for job in jobs {
            running.start(self, cx, job);
        }
        running.tasks.join_all().await;
        Ok(taken)
    }
}
