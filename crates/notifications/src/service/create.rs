//! Telling one person something.

use db::audit::AuditEvent;
use kernel::{Actor, Ctx, Role, UserId};
use serde_json::json;
use uuid::Uuid;

use super::inform::News;
use crate::model::{Draft, NewDraft, Notification, NotificationId};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// Tells the caller themselves, or, if an admin or a service says so, somebody else of the tenant (T-64).
    pub(crate) async fn create(
        &self,
        cx: &Ctx,
        user: Option<UserId>,
        new: NewDraft,
    ) -> Result<Notification, NotificationError> {
        let draft = Draft::parse(new, cx.now())?;
        let user = user.or(cx.actor.user_id()).ok_or(NotificationError::NoPerson)?;
        if cx.known_tenant().is_none() {
            return Err(NotificationError::NoPerson);
        }
        if cx.actor.user_id() != Some(user) {
            may_tell_others(cx)?;
        }
        let tx = self.db.begin(cx).await?;
        if self.people.known(&tx, &[user]).await?.is_empty() {
            return Err(NotificationError::PersonNotFound);
        }
        let event: Uuid = cx.new_id();
        let news = News::written(&draft.kind, draft.clone());
        self.inform_in_any_case(&tx, cx, event, user, &news).await?;
        let made = store::feed::of_event(&tx, user, event).await?.ok_or(NotificationError::NotFound)?;
        let changes = json!({ "user_id": { "old": null, "new": user }, "type": { "old": null, "new": draft.kind } });
        tx.audit(cx, &told(NotificationId(made.id), &tx, &changes)).await?;
        tx.commit().await?;
        Ok(made)
    }
}

fn told(id: NotificationId, tx: &db::TenantTx, changes: &serde_json::Value) -> AuditEvent {
    AuditEvent {
        action: "notification.created",
        resource_type: "notification",
        resource_id: id.0.to_string(),
        tenant: tx.tenant(),
        changes: Some(changes.to_string()),
    }
}

/// Admins, and services with the internal key.
pub(super) fn may_tell_others(cx: &Ctx) -> Result<(), NotificationError> {
    if cx.has_role(Role::Admin) || matches!(cx.actor, Actor::Internal { .. }) {
        Ok(())
    } else {
        Err(NotificationError::InsufficientPermissions)
    }
}
