//! An announcement to everybody becomes one to each tenant, some hundred tenants at a time: in one transaction with the
//! end of its job and with the job for those that follow. So each tenant gets it once, whenever the program ends, and
//! each person of it once (see `dispatch`).

use std::time::Duration;

use db::SystemTx;
use db::events::Event;
use db::jobs::{Job, Leased};
use kernel::{Ctx, TenantId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::bulk_create::{ANNOUNCED, Announcement, Audience};
use super::dispatch::wait;
use crate::model::Draft;
use crate::ports::Stretch;
use crate::{NotificationError, Notifications};

/// The kind of job.
pub(super) const KIND: &str = "system_announcement";
/// How long a worker may take before another takes over.
const LEASE: Duration = Duration::from_secs(30);

/// What the job says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) announcement: Uuid,
    /// The tenants up to this one have it.
    pub(super) after: TenantId,
    pub(super) draft: Draft,
}

impl Notifications {
    /// Passes due announcements on to the next tenants; returns how many there were. Those that failed are tried again
    /// later.
    pub async fn spread(&self, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take(cx, KIND, 1, LEASE).await?;
        for job in &jobs {
            match self.pass_on(cx, job).await {
                Ok(()) => {}
                // Whoever has it now passes it on.
                Err(NotificationError::Database(db::Error::LeaseLost)) => {
                    tracing::info!(job = %job.id, "an announcement was taken over by another worker");
                }
                Err(error) => {
                    tracing::warn!(job = %job.id, attempt = job.attempt, %error, "an announcement could not be passed on");
                    self.db.put_off(cx, job, cx.now() + wait(job.attempt), &error.to_string()).await?;
                }
            }
        }
        Ok(jobs.len())
    }

    async fn pass_on(&self, cx: &Ctx, job: &Leased) -> Result<(), NotificationError> {
        let task: Task = serde_json::from_str(&job.payload).map_err(|_| NotificationError::Unreadable)?;
        let tx: SystemTx = self.db.begin_system(cx, "an announcement to all tenants").await?;
        let Stretch { open, last } = self.tenancies.after(&tx, task.after).await?;
        let announcement = Announcement { audience: Audience::Everybody, draft: task.draft };
        let data = serde_json::to_value(&announcement).unwrap_or_default();
        for &tenant in &open {
            tx.emit(cx, Event { name: ANNOUNCED, tenant, data: data.clone() }).await?;
        }
        if let Some(after) = last {
            let next = Task { announcement: task.announcement, after, draft: announcement.draft };
            let payload = serde_json::to_string(&next).unwrap_or_default();
            tx.enqueue(cx, &Job { kind: KIND, tenant: job.tenant, payload, run_at: cx.now() }).await?;
        }
        tx.finish(job).await?;
        tx.commit().await?;
        let (announcement_id, tenants, done) = (task.announcement, open.len(), last.is_none());
        tracing::info!(%announcement_id, tenants, done, "an announcement was passed on");
        Ok(())
    }
}
