//! Deleting keeps the row: `deleted_at` in the profile, and the account switched off so that the old services honour
//! it too (T-55). What the person owns is handed over. Restoring undoes both marks, and returns nothing that was handed
//! over. Whether the account was on is kept in the profile meanwhile: nothing looks there at somebody who is deleted.

use kernel::{Ctx, UserId};

use crate::model::User;
use crate::{UserError, Users, audit, events, store};

impl Users {
    /// Deletes the caller, or somebody of the tenant if the caller is an admin.
    pub(crate) async fn delete(&self, cx: &Ctx, id: UserId) -> Result<(), UserError> {
        let (there, user) = if cx.actor.user_id() == Some(id) {
            self.reach(cx, id).await?
        } else {
            self.reach_as_admin(cx, id).await?
        };
        if user.deleted_at.is_some() {
            return Err(UserError::NotFound);
        }
        self.mark(&there, id, true).await.map(drop)
    }

    /// Brings a deleted person back.
    pub(crate) async fn restore(&self, cx: &Ctx, id: UserId) -> Result<User, UserError> {
        let (there, _) = self.reach_as_admin(cx, id).await?;
        self.mark(&there, id, false).await
    }

    async fn mark(&self, cx: &Ctx, id: UserId, deleted: bool) -> Result<User, UserError> {
        let tx = self.db.begin(cx).await?;
        let handed_over = if deleted {
            Some(self.possessions.release(&tx, cx, id).await?)
        } else {
            self.require_seats(&tx, cx, tx.tenant(), 1).await?;
            None
        };
        if !store::lock(&tx, id).await? {
            return Err(UserError::NotFound);
        }
        let before = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        if before.deleted_at.is_some() == deleted {
            // Somebody was faster: deleting twice is "not there", restoring twice changes nothing.
            return if deleted { Err(UserError::NotFound) } else { Ok(before) };
        }
        tx.if_match(&before)?;
        if deleted {
            self.end_all_sessions(&tx, cx, id, "account deleted").await?;
            store::delete(&tx, id, cx.now()).await?;
        } else {
            store::restore(&tx, id, cx.now()).await?;
        }
        let after = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        self.keep(&tx, cx, &before, &after).await?;
        if let Some(handed_over) = &handed_over {
            handed_over.record(&tx, cx).await?;
        }
        let action = if deleted { "user.deleted" } else { "user.restored" };
        tx.emit(cx, if deleted { events::deleted(&after) } else { events::updated(&after) }).await?;
        tx.audit(cx, &audit::changed(action, &before, &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(id, after.tenant_id)]).await;
        if let Some(handed_over) = handed_over {
            handed_over.committed().await;
        }
        Ok(after)
    }
}
