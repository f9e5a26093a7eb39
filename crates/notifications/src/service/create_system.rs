//! Telling the people of all tenants the same.

use db::audit::AuditEvent;
use db::jobs::Job;
use kernel::{Ctx, Role, TenantId};
use serde_json::json;
use uuid::Uuid;

use super::spread::{KIND, Task};
use crate::model::{Draft, NewDraft};
use crate::{NotificationError, Notifications};

impl Notifications {
    /// Announces something to everybody there is, for super admins; returns the announcement's id. Which tenants there
    /// are is looked at afterwards, by whoever takes the job. The record is in the super admin's own tenant.
    pub(crate) async fn create_system(&self, cx: &Ctx, new: NewDraft) -> Result<Uuid, NotificationError> {
        let draft = Draft::parse(new, cx.now())?;
        // Not services: the internal key stands for an admin of one tenant.
        if cx.user().is_none_or(|user| user.role < Role::SuperAdmin) {
            return Err(NotificationError::SuperAdminsOnly);
        }
        let id: Uuid = cx.new_id();
        let changes =
            json!({ "type": { "old": null, "new": draft.kind }, "title": { "old": null, "new": draft.title } });
        let task = Task { announcement: id, after: TenantId(Uuid::nil()), draft };
        let tx = self.db.begin(cx).await?;
        let payload = serde_json::to_string(&task).unwrap_or_default();
        tx.enqueue(cx, &Job { kind: KIND, tenant: tx.tenant(), payload, run_at: cx.now() }).await?;
        let record = AuditEvent {
            action: "system_announcement.published",
            resource_type: "announcement",
            resource_id: id.to_string(),
            tenant: tx.tenant(),
            changes: Some(changes.to_string()),
        };
        tx.audit(cx, &record).await?;
        tx.commit().await?;
        Ok(id)
    }
}
