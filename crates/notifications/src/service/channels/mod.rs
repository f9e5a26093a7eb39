//! A person's addresses.

pub(crate) mod code;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod update;
pub(crate) mod verify;

use db::TenantTx;
use db::audit::AuditEvent;
use serde_json::Value;

use crate::model::ChannelId;

fn record(tx: &TenantTx, action: &'static str, id: ChannelId, changes: &Value) -> AuditEvent {
    AuditEvent {
        action,
        resource_type: "notification_channel",
        resource_id: id.0.to_string(),
        tenant: tx.tenant(),
        changes: Some(changes.to_string()),
    }
}
