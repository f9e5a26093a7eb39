//! Logging out: of one log-in by its refresh token, or of all by the bearer token alone (T-26).

use db::TenantTx;
use kernel::{Ctx, Redacted, UserId};

use crate::sessions::{Sessions, is_plausible};
use crate::{UserError, Users, audit, store};

impl Users {
    /// Ends the log-in `token` belongs to. An unknown token is no error: it is as dead as it should be.
    pub(crate) async fn logout(&self, cx: &Ctx, token: &Redacted<String>) -> Result<(), UserError> {
        if !is_plausible(token.expose()) {
            return Ok(());
        }
        match &self.sessions {
            Sessions::Postgres(sessions) => {
                let tx = self.db.begin_system(cx, "a refresh token names no tenant").await?;
                sessions.revoke_by_token(&tx, cx, token.expose()).await?;
                Ok(tx.commit().await?)
            }
            Sessions::SharedRedis(sessions) => Ok(sessions.revoke(token.expose()).await?),
        }
    }

    /// The caller ends all their log-ins.
    pub(crate) async fn log_out_everywhere(&self, cx: &Ctx) -> Result<(), UserError> {
        let Some(actor) = cx.user() else { return Ok(()) };
        match &self.sessions {
            Sessions::Postgres(sessions) => {
                let tx = self.db.begin_system(cx, "refresh tokens carry no tenant").await?;
                sessions.revoke_all(&tx, cx, actor.id, None, "logged out").await?;
                // Somebody without a row has nothing to record, and no log-ins either (T-34).
                if let Some(user) = store::find_anywhere(&tx, actor.id).await? {
                    tx.audit(cx, &audit::happened("user.logged_out", &user)).await?;
                }
                Ok(tx.commit().await?)
            }
            Sessions::SharedRedis(sessions) => Ok(sessions.revoke_all(actor.id).await?),
        }
    }

    /// Ends all log-ins of `user` as part of a change that is recorded by itself. The account is switched off in the
    /// same transaction, so its refresh tokens are worthless with their sessions.
    pub(super) async fn end_all_sessions(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        user: UserId,
        reason: &str,
    ) -> Result<(), UserError> {
        match &self.sessions {
            Sessions::Postgres(sessions) => Ok(sessions.end_all(tx, cx, user, reason).await?),
            Sessions::SharedRedis(sessions) => Ok(sessions.revoke_all(user).await?),
        }
    }
}
