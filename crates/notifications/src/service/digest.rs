//! What people want to be told of in one mail a day or a week.

use std::collections::HashMap;
use std::time::Duration;

use db::TenantTx;
use db::jobs::{Leased, NO_LANE};
use jiff::{SignedDuration, Timestamp};
use kernel::{Ctx, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::inform::Reader;
use crate::templates::{self, Feed, Texts};
use crate::{NotificationError, Notifications, store};

/// The kind of job that a digest is.
const KIND: &str = "digest";
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 20;
/// How long to wait after a failure.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// What a digest says of one event.
pub(super) struct Line {
    /// When the digest is due that it is for.
    pub(super) due: Timestamp,
    pub(super) feed: Feed,
}

/// What the job says.
#[derive(Serialize, Deserialize)]
struct Payload {
    user: Uuid,
}

impl Notifications {
    /// Keeps a line for the next digest of each.
    pub(super) async fn collect(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        lines: HashMap<UserId, Line>,
    ) -> Result<(), NotificationError> {
        if lines.is_empty() {
            return Ok(());
        }
        let (people, lines): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        let (due, feeds): (Vec<_>, Vec<_>) = lines.into_iter().map(|Line { due, feed }| (due, feed)).unzip();
        let opened = store::digests::open(tx, &people, &due).await?;
        store::digests::add(tx, event, &people, feeds, cx.now()).await?;
        let payload = |user: UserId| serde_json::to_string(&Payload { user: user.0 }).unwrap_or_default();
        let jobs = opened.into_iter().map(|(user, due)| (NO_LANE, payload(user), due));
        Ok(tx.enqueue_all(cx, (KIND, tx.tenant()), jobs).await?)
    }

    /// Writes the digests that are due; returns how many it took.
    pub async fn write_digests(&self, cx: &Ctx) -> Result<usize, NotificationError> {
        let jobs = self.db.take(cx, KIND, BATCH, LEASE).await?;
        for job in &jobs {
            match self.write_digest(&cx.in_tenant(job.tenant), job).await {
                Ok(()) => {}
                Err(NotificationError::Database(db::Error::LeaseLost)) => {
                    tracing::info!(job = %job.id, "a digest was taken over by another worker");
                }
                Err(error) => {
                    tracing::warn!(job = %job.id, %error, "a digest could not be written");
                    if let Err(error) = self.db.put_off(cx, job, cx.now() + AGAIN, &error.to_string()).await {
                        tracing::warn!(job = %job.id, %error, "a digest could not be put off");
                    }
                }
            }
        }
        Ok(jobs.len())
    }

    async fn write_digest(&self, cx: &Ctx, job: &Leased) -> Result<(), NotificationError> {
        let Payload { user } = serde_json::from_str(&job.payload).map_err(|_| NotificationError::Unreadable)?;
        let user = UserId(user);
        let tx = self.db.begin(cx).await?;
        let items = store::digests::take(&tx, user).await?;
        if let Some(Reader { person, wishes }) = self.readers(&tx, &[user]).await?.pop().filter(|_| !items.is_empty()) {
            let texts = Texts::load(&tx, KIND).await?;
            let data = [("period", json!(wishes.digest.as_str())), ("items", json!(items))];
            let data = data.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
            let mail = texts.mail(&wishes.locale, &templates::vars(&data, &person, cx.now()));
            let at = wishes.mail_at(cx.now());
            let mailboxes = store::channels::mailboxes(&tx, &[user]).await?;
            let mails = mailboxes.into_iter().map(|mailbox| self.mail_to(cx, mailbox, &mail, at)).collect();
            self.write_mails(&tx, cx, (job.id, KIND), mails).await?;
        }
        tx.finish(job).await?;
        Ok(tx.commit().await?)
    }
}
