//! Reading one person.

use kernel::{Ctx, UserId};

use crate::model::User;
use crate::{UserError, Users, store};

impl Users {
    /// The caller.
    pub(crate) async fn get_me(&self, cx: &Ctx) -> Result<User, UserError> {
        let id = cx.actor.user_id().ok_or(UserError::NotFound)?;
        if cx.tenant.is_none() {
            return self.get(cx, id).await;
        }
        let tx = self.db.read(cx).await?;
        store::find(&tx, id).await?.ok_or(UserError::NotFound)
    }

    /// Somebody of the caller's tenant; a deleted person is gone for everybody but admins.
    pub(crate) async fn get(&self, cx: &Ctx, id: UserId) -> Result<User, UserError> {
        let (_, user) = self.reach(cx, id).await?;
        if user.deleted_at.is_some() && !cx.has_role(kernel::Role::Admin) {
            return Err(UserError::NotFound);
        }
        Ok(user)
    }
}
