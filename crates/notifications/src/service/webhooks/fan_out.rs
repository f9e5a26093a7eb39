//! An event becomes deliveries: one for each webhook that wants it, in the transaction that finishes the event's job.

use db::TenantTx;
use db::events::Happened;
use db::jobs::Job;
use jiff::Timestamp;
use kernel::{Ctx, TenantId};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::KIND;
use crate::model::{DeliveryId, WebhookId, wants};
use crate::{NotificationError, Notifications, store};

/// What receivers get (T-68).
#[derive(Serialize)]
struct Message<'a> {
    event: &'a str,
    data: &'a Value,
    timestamp: Timestamp,
    tenant_id: TenantId,
}

impl Notifications {
    /// Leaves a delivery behind for every webhook that wants the event. Nothing while deliveries are switched off: who
    /// switches them on later wants to hear what happens then.
    pub(crate) async fn fan_out(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: Uuid,
        happened: &Happened,
    ) -> Result<(), NotificationError> {
        if !self.deliver {
            return Ok(());
        }
        for webhook in store::webhooks::listening(tx).await? {
            if wants(&webhook.events, &happened.event) {
                send_off(tx, cx, webhook.id, id, happened).await?;
            }
        }
        Ok(())
    }
}

/// Writes the delivery of event `id` to one webhook, and its job. What the webhook has already, it does not get again.
pub(in crate::service) async fn send_off(
    tx: &TenantTx,
    cx: &Ctx,
    webhook: WebhookId,
    id: Uuid,
    happened: &Happened,
) -> Result<DeliveryId, NotificationError> {
    let Happened { event, data, at, .. } = happened;
    let message = Message { event, data, timestamp: *at, tenant_id: tx.tenant() };
    let body = serde_json::to_string(&message).unwrap_or_default();
    let delivery = DeliveryId(cx.new_id::<Uuid>());
    if store::deliveries::insert(tx, delivery, webhook, (id, event), &body, cx.now()).await? {
        enqueue(tx, cx, delivery, cx.now()).await?;
    }
    Ok(delivery)
}

/// Lets a worker know of a delivery.
pub(super) async fn enqueue(tx: &TenantTx, cx: &Ctx, id: DeliveryId, run_at: Timestamp) -> Result<(), db::Error> {
    let payload = json!({ "delivery": id.0 }).to_string();
    tx.enqueue(cx, &Job { kind: KIND, tenant: tx.tenant(), payload, run_at }).await.map(drop)
}
