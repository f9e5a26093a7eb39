//! Switching accounts off and on. Off ends every log-in at once.

use kernel::{Ctx, UserId};

use crate::model::User;
use crate::{UserError, Users, audit, events, store};

impl Users {
    /// Switches an account off; the person cannot log in, and their tokens stop working.
    pub(crate) async fn deactivate(&self, cx: &Ctx, id: UserId) -> Result<User, UserError> {
        if cx.actor.user_id() == Some(id) {
            return Err(UserError::invalid("Invalid input", "id", "you cannot deactivate yourself; ask another admin"));
        }
        self.switch(cx, id, false).await
    }

    /// Switches an account on again.
    pub(crate) async fn reactivate(&self, cx: &Ctx, id: UserId) -> Result<User, UserError> {
        self.switch(cx, id, true).await
    }

    async fn switch(&self, cx: &Ctx, id: UserId, on: bool) -> Result<User, UserError> {
        let (cx, _) = self.reach_as_admin(cx, id).await?;
        let tx = self.db.begin(&cx).await?;
        if on {
            // Whoever is off has kept their seat, unless a smaller plan took it.
            self.require_seats(&tx, &cx, tx.tenant(), 0).await?;
        }
        if !store::lock(&tx, id).await? {
            return Err(UserError::NotFound);
        }
        let before = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        if before.deleted_at.is_some() {
            return Err(UserError::NotFound);
        }
        if before.is_active == on {
            return Ok(before);
        }
        if !on {
            self.end_all_sessions(&tx, &cx, id, "account deactivated").await?;
        }
        store::set_active(&tx, id, on, cx.now()).await?;
        let after = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        let action = if on { "user.reactivated" } else { "user.deactivated" };
        self.keep(&tx, &cx, &before, &after).await?;
        tx.emit(&cx, events::updated(&after)).await?;
        tx.audit(&cx, &audit::changed(action, &before, &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(id, after.tenant_id)]).await;
        Ok(after)
    }
}
