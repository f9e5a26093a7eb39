//! A webhook that nobody answers is switched off, and its tenant's admins are told.

use db::TenantTx;
use jiff::SignedDuration;
use kernel::Ctx;
use serde_json::{Map, json};
use uuid::Uuid;

use super::record;
use crate::model::{Draft, Level, WebhookId};
use crate::{NotificationError, Notifications, store};

/// How long nothing may get through.
const PATIENCE: SignedDuration = SignedDuration::from_hours(72);

/// What speaks for switching a webhook off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It said so itself, with 410.
    Gone,
    /// An attempt failed; if nothing has got through for long enough, it was the last.
    Failing,
}

impl Notifications {
    /// Switches it off if there is reason to.
    pub(super) async fn disable_webhook(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        id: WebhookId,
        url: &str,
        reason: Reason,
    ) -> Result<Option<Switched>, NotificationError> {
        let (word, since, message) = match reason {
            Reason::Gone => ("gone", None, "It answered 410: there is nobody any more who wants to be told."),
            Reason::Failing => ("failing", Some(cx.now() - PATIENCE), "Nothing got through for three days."),
        };
        if !store::webhooks::disable(tx, id, word, since, cx.now()).await? {
            return Ok(None);
        }
        let data = json!({ "webhook_id": id.0, "url": url, "reason": word });
        let draft = Draft {
            kind: "webhook.disabled".to_owned(),
            level: Level::Warning.as_str().to_owned(),
            title: "A webhook was switched off".to_owned(),
            message: format!("{url}: {message} Enable it when its receiver works again."),
            data: data.as_object().cloned().unwrap_or_else(Map::new),
            expires_at: None,
        };
        let admins = self.people.admins(tx).await?;
        if !admins.is_empty() {
            self.put_into_feeds(tx, cx, cx.new_id::<Uuid>(), &admins, &draft).await?;
        }
        Ok(Some(Switched { id, word }))
    }
}

/// A webhook that was switched off, and is not on record yet: the audit trail is locked last.
pub(super) struct Switched {
    id: WebhookId,
    word: &'static str,
}

impl Switched {
    pub(super) async fn audit(&self, tx: &TenantTx, cx: &Ctx) -> Result<(), db::Error> {
        let changes = json!({
            "disabled": { "old": false, "new": true }, "disabled_reason": { "old": null, "new": self.word },
        });
        tx.audit(cx, &record(tx, "webhook.disabled", self.id, &changes)).await.map(drop)
    }
}
