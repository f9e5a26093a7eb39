//! Every notification is an event too, `notification.created`, for the webhooks that ask for it by name. One announcement
//! makes as many of them as there are people, so those that merely ask for everything are spared: they are posted the
//! event which the notifications tell of. It goes straight to the webhooks and through no queue of events, so nobody is
//! ever notified of a notification.

use db::TenantTx;
use db::events::Happened;
use kernel::{Ctx, UserId};
use serde_json::json;
use uuid::Uuid;

use super::KIND;
use super::fan_out::{body, payload};
use crate::model::{DeliveryId, Draft, NotificationId, names};
use crate::{NotificationError, Notifications, store};

const CREATED: &str = "notification.created";
/// How many deliveries are written at a time.
const AT_A_TIME: usize = 1000;

impl Notifications {
    /// Tells `people` of an event, and machines of that.
    pub(in crate::service) async fn put_into_feeds(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        event: Uuid,
        people: &[UserId],
        draft: &Draft,
    ) -> Result<(), NotificationError> {
        let told = store::feed::insert(tx, cx, event, people, draft).await?;
        if !self.deliver || told.is_empty() {
            return Ok(());
        }
        let mut asking = store::webhooks::listening(tx).await?;
        asking.retain(|webhook| names(&webhook.events, CREATED));
        if asking.is_empty() {
            return Ok(());
        }
        let message = |(NotificationId(id), user): &(NotificationId, UserId)| {
            let data = json!({
                "id": id, "user_id": user, "type": draft.kind, "level": draft.level, "title": draft.title,
            });
            let happened = Happened { event: CREATED.to_owned(), data, at: cx.now(), actor: None };
            (*id, body(tx.tenant(), &happened))
        };
        for some in told.chunks(AT_A_TIME) {
            let (ids, bodies): (Vec<Uuid>, Vec<String>) = some.iter().map(message).unzip();
            for webhook in &asking {
                let own: Vec<Uuid> = ids.iter().map(|_| cx.new_id()).collect();
                let made =
                    store::deliveries::insert_all(tx, webhook.id, CREATED, (&own, &ids, &bodies), cx.now()).await?;
                let jobs = made.into_iter().map(|id| (webhook.id.0, payload(DeliveryId(id)), cx.now()));
                tx.enqueue_all(cx, (KIND, tx.tenant()), jobs).await?;
            }
        }
        Ok(())
    }
}
