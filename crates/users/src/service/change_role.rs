//! An admin changes what somebody may do.

use kernel::{Ctx, Role, UserId};

use crate::model::User;
use crate::{UserError, Users, audit, events, store};

impl Users {
    /// Sets a role no higher than the caller's own. Authorisation reads the row, so it holds from the next request.
    pub(crate) async fn change_role(&self, cx: &Ctx, id: UserId, role: &str) -> Result<User, UserError> {
        let role = parse_role(role)?;
        let (cx, _) = self.reach_as_admin(cx, id).await?;
        if !cx.has_role(role) {
            return Err(UserError::InsufficientPermissions);
        }
        if cx.actor.user_id() == Some(id) {
            return Err(UserError::invalid(
                "Invalid input",
                "id",
                "you cannot change your own role; ask another admin",
            ));
        }
        let tx = self.db.begin(&cx).await?;
        if !store::lock(&tx, id).await? {
            return Err(UserError::NotFound);
        }
        let before = store::find(&tx, id).await?.filter(|user| user.deleted_at.is_none()).ok_or(UserError::NotFound)?;
        tx.if_match(&before)?;
        store::set_role(&tx, id, role.as_str(), cx.now()).await?;
        let after = store::find(&tx, id).await?.ok_or(UserError::NotFound)?;
        self.keep(&tx, &cx, &before, &after).await?;
        if after.role != before.role {
            tx.emit(&cx, events::role_changed(&before, &after)).await?;
        }
        tx.audit(&cx, &audit::changed("user.role_changed", &before, &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(id, after.tenant_id)]).await;
        Ok(after)
    }
}

/// The three words that are stored; others are refused.
pub(super) fn parse_role(word: &str) -> Result<Role, UserError> {
    Role::parse(word).ok_or_else(|| UserError::invalid("Invalid input", "role", "must be user, admin or super_admin"))
}
