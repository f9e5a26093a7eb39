//! What people want to be told of in one mail a day or a week.

use std::collections::HashMap;
use std::time::Duration;

use db::TenantTx;
use db::jobs::Leased;
use jiff::{SignedDuration, Timestamp};
use kernel::{Ctx, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::digests::Item;
use crate::store::mails::NewMail;
use crate::{NotificationError, Notifications, store};

/// The kind of job that a digest is.
const KIND: &str = "digest";
const LEASE: Duration = Duration::from_secs(30);
const BATCH: i64 = 20;
/// How long to wait after a failure.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// What the job says.
#[derive(Serialize, Deserialize)]
struct Payload {
    user: Uuid,
}

impl Notifications {
    /// Keeps a line for the next digests of people, each due at its time.
    pub(super) async fn collect(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        people: HashMap<UserId, Timestamp>,
        item: &Item,
    ) -> Result<(), NotificationError> {
        if people.is_empty() {
            return Ok(());
        }
        let (people, due): (Vec<_>, Vec<_>) = people.into_iter().unzip();
        let opened = store::digests::open(tx, &people, &due).await?;
        store::digests::add(tx, &people, item).await?;
        let payload = |user: UserId| serde_json::to_string(&Payload { user: user.0 }).unwrap_or_default();
        let jobs: Vec<_> = opened.into_iter().map(|(user, due)| (payload(user), due)).collect();
        Ok(tx.enqueue_all(cx, KIND, tx.tenant(), &jobs).await?)
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
        let people = self.people.known(&tx, &[user]).await?;
        let wishes = self.wishes(&tx, &people).await?;
        if let Some((_, wishes)) = wishes.first().filter(|_| !items.is_empty()) {
            let letter = crate::mail::Letter::digest(wishes.digest.as_str(), &items);
            let mailboxes = store::channels::mailboxes(&tx, &people).await?;
            let mails = mailboxes.into_iter().map(|mailbox| {
                let id: Uuid = cx.new_id();
                let content = self.close_letter(cx, id, &letter);
                let (user, channel) = (Some(mailbox.user), Some(mailbox.channel));
                NewMail { id, user, channel, recipient: mailbox.address, content, at: wishes.mail_at(cx.now()) }
            });
            self.write_mails(&tx, cx, (job.id, KIND), mails.collect()).await?;
        }
        tx.finish(job).await?;
        Ok(tx.commit().await?)
    }
}
