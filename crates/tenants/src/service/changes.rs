//! What audit records say: the fields a change touched, before and after. Never secrets: no token, not even its hash.

use db::audit::AuditEvent;
use kernel::TenantId;
use serde_json::{Map, Value, json};

use crate::model::{InvitationId, InvitationStatus};

/// Fields that changed, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Changes(Map<String, Value>);

impl Changes {
    /// Adds a field unless its value stayed the same.
    pub(super) fn field(mut self, name: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        let (old, new) = (old.into(), new.into());
        if old != new {
            self.0.insert(name.to_owned(), json!({ "old": old, "new": new }));
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The record of a change of a tenant.
    pub(super) fn of_tenant(self, action: &'static str, tenant: TenantId) -> AuditEvent {
        self.record(action, "tenant", tenant.to_string(), tenant)
    }

    /// The record of a change of an invitation.
    pub(super) fn of_invitation(self, action: &'static str, id: InvitationId, tenant: TenantId) -> AuditEvent {
        self.record(action, "invitation", id.0.to_string(), tenant)
    }

    /// The record of an invitation that time has ended.
    pub(super) fn expired(self, id: InvitationId, tenant: TenantId) -> AuditEvent {
        self.field("status", InvitationStatus::Pending.as_str(), InvitationStatus::Expired.as_str()).of_invitation(
            "invitation.expired",
            id,
            tenant,
        )
    }

    fn record(
        self,
        action: &'static str,
        resource_type: &'static str,
        resource_id: String,
        tenant: TenantId,
    ) -> AuditEvent {
        let changes = (!self.is_empty()).then(|| Value::Object(self.0).to_string());
        AuditEvent { action, resource_type, resource_id, tenant, changes }
    }
}
