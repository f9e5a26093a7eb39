//! What the audit trail says of people.

use db::audit::AuditEvent;
use kernel::{SessionId, TenantId};

use crate::model::User;

/// A person came into being or stands as they are: the fields, as new values.
pub(crate) fn created(action: &'static str, user: &User) -> AuditEvent {
    event(action, user, db::audit::changes(None, Some(user)))
}

/// A person was changed.
pub(crate) fn changed(action: &'static str, before: &User, after: &User) -> AuditEvent {
    event(action, after, db::audit::changes(Some(before), Some(after)))
}

/// Something happened to a person that changes none of their fields.
pub(crate) fn happened(action: &'static str, user: &User) -> AuditEvent {
    event(action, user, None)
}

/// A log-in ended.
pub(crate) fn session_ended(action: &'static str, session: SessionId, tenant: TenantId) -> AuditEvent {
    AuditEvent { action, resource_type: "session", resource_id: session.to_string(), tenant, changes: None }
}

fn event(action: &'static str, user: &User, changes: Option<String>) -> AuditEvent {
    AuditEvent { action, resource_type: "user", resource_id: user.id.to_string(), tenant: user.tenant_id, changes }
}
