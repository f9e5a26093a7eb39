//! Whose is this access token, as things stand now? Asked of the database on every request, so that deactivating,
//! deleting or logging out takes effect at once, on every replica.

use std::str::FromStr as _;

use jiff::Timestamp;
use kernel::{Ctx, Role, TenantId, UserActor, UserId};
use uuid::Uuid;
use web::{AuthFailure, Authenticator, BoxFuture};

use crate::{Users, store};

impl Authenticator for Users {
    fn authenticate<'a>(&'a self, cx: &'a Ctx, token: &'a str) -> BoxFuture<'a, Result<UserActor, AuthFailure>> {
        Box::pin(async move {
            let claims = self.tokens.verify(token, cx.now()).ok_or(AuthFailure::Refused)?;
            // A valid token of somebody who has no row is somebody without rights, not an error (T-34).
            let expires_at = Timestamp::from_second(claims.exp).ok();
            let nobody = |id| {
                let tenant = TenantId(Uuid::nil());
                UserActor { id, tenant, role: Role::User, session: claims.sid, expires_at }
            };
            let Ok(id) = UserId::from_str(&claims.user_id) else { return Ok(nobody(UserId(Uuid::nil()))) };
            let tx =
                self.db.read_system("a token names a person, not a tenant").await.map_err(AuthFailure::Database)?;
            let standing = store::find_standing(&tx, id, claims.sid.map(|session| session.0))
                .await
                .map_err(AuthFailure::Database)?;
            match standing {
                None => Ok(nobody(id)),
                Some(row) if !row.is_active || row.is_deleted || row.session_revoked || row.tenant_closed => {
                    Err(AuthFailure::Refused)
                }
                Some(row) => {
                    let role = Role::from_stored(&row.role);
                    Ok(UserActor { id, tenant: row.tenant, role, session: claims.sid, expires_at })
                }
            }
        })
    }
}
