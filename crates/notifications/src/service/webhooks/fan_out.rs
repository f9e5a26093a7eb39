//! An event becomes deliveries: one for each webhook that wants it, in the transaction that finishes the event's job.

use db::TenantTx;
use db::events::Happened;
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
    let body = body(tx.tenant(), happened);
    let delivery = DeliveryId(cx.new_id::<Uuid>());
    if store::deliveries::insert(tx, delivery, webhook, (id, &happened.event), &body, cx.now()).await? {
        enqueue(tx, cx, (webhook, delivery), cx.now()).await?;
    }
    Ok(delivery)
}

/// What is posted of an event.
pub(super) fn body(tenant: TenantId, happened: &Happened) -> String {
    let Happened { event, data, at, .. } = happened;
    let message = Message { event, data, timestamp: *at, tenant_id: tenant };
    serde_json::to_string(&message).unwrap_or_default()
}

/// Lets a worker know of a delivery. Those to one webhook share a lane.
pub(super) async fn enqueue(
    tx: &TenantTx,
    cx: &Ctx,
    (webhook, id): (WebhookId, DeliveryId),
    run_at: Timestamp,
) -> Result<(), db::Error> {
    tx.enqueue_all(cx, (KIND, tx.tenant()), [(webhook.0, payload(id), run_at)]).await
}

/// What the job of a delivery says.
pub(super) fn payload(id: DeliveryId) -> String {
    json!({ "delivery": id.0 }).to_string()
}
