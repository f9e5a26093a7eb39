//! Telling machines: webhooks, for a tenant's admins, and the worker that posts to them.

pub(crate) mod create;
pub(crate) mod created;
pub(crate) mod delete;
pub(crate) mod deliver;
pub(crate) mod deliveries;
pub(crate) mod disable;
pub(crate) mod fan_out;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod redrive;
pub(crate) mod rotate;
pub(crate) mod test;
pub(crate) mod update;
pub(crate) mod worker;

use db::TenantTx;
use db::audit::AuditEvent;
use kernel::{Actor, Ctx, Role};
use serde_json::{Map, Value, json};

use crate::NotificationError;
use crate::model::{WebhookFields, WebhookId};

/// The kind of job that a delivery is.
pub(crate) const KIND: &str = "webhook";

/// Admins, and services with the internal key that name a tenant.
fn admin(cx: &Ctx) -> Result<(), NotificationError> {
    if cx.known_tenant().is_none() {
        return Err(NotificationError::NoPerson);
    }
    if cx.has_role(Role::Admin) || matches!(cx.actor, Actor::Internal { .. }) {
        Ok(())
    } else {
        Err(NotificationError::AdminsOnly)
    }
}

fn record(tx: &TenantTx, action: &'static str, id: WebhookId, changes: &Value) -> AuditEvent {
    AuditEvent {
        action,
        resource_type: "webhook",
        resource_id: id.0.to_string(),
        tenant: tx.tenant(),
        changes: Some(changes.to_string()),
    }
}

/// What differs, as the audit trail has it.
fn changes(before: &WebhookFields, after: &WebhookFields) -> Value {
    let fields = [
        ("url", json!(before.url), json!(after.url)),
        ("description", json!(before.description), json!(after.description)),
        ("events", json!(before.events), json!(after.events)),
        ("disabled", json!(before.disabled), json!(after.disabled)),
    ];
    let changed = fields.into_iter().filter(|(_, old, new)| old != new);
    changed.map(|(name, old, new)| (name.to_owned(), json!({ "old": old, "new": new }))).collect::<Map<_, _>>().into()
}
