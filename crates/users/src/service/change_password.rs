//! A person changes their password. All their refresh tokens die (T-24), and every other log-in at once.

use kernel::{Ctx, Redacted};

use crate::model::NewPassword;
use crate::sessions::Sessions;
use crate::store::recent::{Change, Field};
use crate::{UserError, Users, audit, events, store};

impl Users {
    /// Replaces the caller's password if `current` is right.
    pub(crate) async fn change_password(
        &self,
        cx: &Ctx,
        current: Redacted<String>,
        new: &Redacted<String>,
    ) -> Result<(), UserError> {
        let actor = cx.user().ok_or(UserError::AccessDenied)?;
        let new = NewPassword::parse("new_password", new, self.passwords.scheme())?;
        let attempt = self.attempts.begin(cx, &actor.id.to_string()).await?;
        let stored = {
            let tx = self.db.read_system("tenant transactions cannot read password hashes").await?;
            store::password_hash(&tx, actor.id).await?.ok_or(UserError::NotFound)?
        };
        if !self.passwords.verify(current, Some(stored.clone())).await?.matches {
            attempt.failed(cx.now()).await;
            return Err(UserError::WrongCurrentPassword);
        }
        attempt.succeeded().await;
        let hash = self.passwords.hash(new.into_inner(), cx.rng()).await?;

        let tx = self.db.begin_system(cx, "tenant transactions cannot read password hashes").await?;
        if !store::set_password(&tx, actor.id, &stored, &hash, cx.now()).await? {
            // Another change was faster, so what was given is no longer the current password.
            return Err(UserError::WrongCurrentPassword);
        }
        // Before the commit: a change whose tokens cannot be revoked does not happen.
        match &self.sessions {
            Sessions::Postgres(sessions) => {
                sessions.revoke_all(&tx, cx, actor.id, actor.session, "password changed").await?;
            }
            Sessions::SharedRedis(sessions) => sessions.revoke_all(actor.id).await?,
        }
        let user = store::find_anywhere(&tx, actor.id).await?.ok_or(UserError::NotFound)?;
        let change = Change { user: actor.id, field: Field::PasswordHash, before: stored, after: hash };
        self.keep_all(&tx, cx, user.tenant_id, &[change]).await?;
        tx.emit(cx, events::password_changed(&user)).await?;
        tx.audit(cx, &audit::happened("user.password_changed", &user)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(&[(actor.id, actor.tenant)]).await;
        Ok(())
    }
}
