//! Whom may the caller reach? Shared by every use case that names another person.

use kernel::{Actor, Ctx, Role, UserId};

use crate::model::User;
use crate::{UserError, Users, store};

impl Users {
    /// The person, and a context in whose tenant they are. Somebody in another tenant is refused with 403 as the old
    /// service did (T-16); a super admin reaches everybody.
    pub(super) async fn reach(&self, cx: &Ctx, id: UserId) -> Result<(Ctx, User), UserError> {
        // Of no tenant in particular one reaches oneself.
        if cx.known_tenant().is_some() || (cx.tenant.is_some() && cx.actor.user_id() == Some(id)) {
            let tx = self.db.read(cx).await?;
            if let Some(user) = store::find(&tx, id).await? {
                return Ok((cx.clone(), user));
            }
        }
        let tenant = {
            let tx = self.db.read_system("tells a person of another tenant from nobody").await?;
            store::tenant_of(&tx, id).await?.ok_or(UserError::NotFound)?
        };
        let may_cross = match &cx.actor {
            Actor::User(user) => user.role == Role::SuperAdmin,
            // A service that names only the person speaks for that person.
            Actor::Internal { tenant: None, user } => *user == Some(id),
            _ => false,
        };
        if !may_cross {
            return Err(UserError::AccessDenied);
        }
        let cx = cx.in_tenant(tenant);
        let user = store::find(&self.db.read(&cx).await?, id).await?.ok_or(UserError::NotFound)?;
        Ok((cx, user))
    }

    /// Like [`Users::reach`], for changes that take an admin: nobody changes somebody of a higher role.
    pub(super) async fn reach_as_admin(&self, cx: &Ctx, id: UserId) -> Result<(Ctx, User), UserError> {
        let (there, user) = self.reach(cx, id).await?;
        if !cx.has_role(Role::Admin) {
            return Err(UserError::AccessDenied);
        }
        if !cx.has_role(user.role()) {
            return Err(UserError::InsufficientPermissions);
        }
        Ok((there, user))
    }
}
