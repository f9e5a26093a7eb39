//! Telling many people the same: the members of a workspace, some people, or everybody.

use db::audit::AuditEvent;
use db::events::Event;
use kernel::{Ctx, UserId, WorkspaceId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::create::may_tell_others;
use crate::model::{Draft, NewDraft};
use crate::{NotificationError, Notifications};

/// The event that an announcement is.
pub(crate) const ANNOUNCED: &str = "announcement.published";

/// Who is to be told. Decided anew when the job runs: whoever has left by then is not told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Audience {
    Everybody,
    Workspace(WorkspaceId),
    People(Vec<UserId>),
}

/// What was asked for, as the event carries it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) audience: Audience,
    pub(crate) draft: Draft,
}

impl Notifications {
    /// Announces something, for admins and services; returns the event's id and how many people there are to be told.
    pub(crate) async fn bulk_create(
        &self,
        cx: &Ctx,
        audience: Audience,
        new: NewDraft,
    ) -> Result<(Uuid, usize), NotificationError> {
        let draft = Draft::parse(new, cx.now())?;
        if cx.known_tenant().is_none() {
            return Err(NotificationError::NoPerson);
        }
        may_tell_others(cx)?;
        let tx = self.db.begin(cx).await?;
        let people = self.audience(&tx, &audience).await?.ok_or(NotificationError::WorkspaceNotFound)?;
        if let Audience::People(asked) = &audience
            && people.len() < asked.len()
        {
            return Err(NotificationError::PersonNotFound);
        }
        let changes =
            json!({ "type": { "old": null, "new": draft.kind }, "people": { "old": null, "new": people.len() } });
        let announcement = Announcement { audience, draft };
        let data = serde_json::to_value(&announcement).unwrap_or_default();
        let id = tx.emit(cx, Event { name: ANNOUNCED, tenant: tx.tenant(), data }).await?;
        let record = AuditEvent {
            action: ANNOUNCED,
            resource_type: "announcement",
            resource_id: id.to_string(),
            tenant: tx.tenant(),
            changes: Some(changes.to_string()),
        };
        tx.audit(cx, &record).await?;
        tx.commit().await?;
        Ok((id, people.len()))
    }

    /// The people of an audience as they are now; `None` when its workspace is gone.
    pub(super) async fn audience(
        &self,
        tx: &db::TenantTx,
        audience: &Audience,
    ) -> Result<Option<Vec<UserId>>, db::Error> {
        Ok(match audience {
            Audience::Everybody => Some(self.people.everybody(tx).await?),
            Audience::Workspace(workspace) => match self.places.members(tx, *workspace).await? {
                Some(members) => Some(self.people.known(tx, &members).await?),
                None => None,
            },
            Audience::People(people) => Some(self.people.known(tx, people).await?),
        })
    }
}
