//! Logging out: of one log-in by its refresh token, or of all by the bearer token alone (T-26).

use kernel::{Ctx, Redacted, UserId};

use crate::sessions::{Sessions, is_plausible};
use crate::{UserError, Users};

impl Users {
    /// Ends the log-in `token` belongs to. An unknown token is no error: it is as dead as it should be.
    pub(crate) async fn logout(&self, cx: &Ctx, token: &Redacted<String>) -> Result<(), UserError> {
        if !is_plausible(token.expose()) {
            return Ok(());
        }
        match &self.sessions {
            Sessions::Postgres(sessions) => {
                let tx = self.db.begin_system("a refresh token names no tenant").await?;
                sessions.revoke_by_token(&tx, cx, token.expose()).await?;
                Ok(tx.commit().await?)
            }
            Sessions::SharedRedis(sessions) => Ok(sessions.revoke(token.expose()).await?),
        }
    }

    /// Ends all log-ins of `user`.
    pub(crate) async fn logout_everywhere(&self, cx: &Ctx, user: UserId, reason: &str) -> Result<(), UserError> {
        match &self.sessions {
            Sessions::Postgres(sessions) => {
                let tx = self.db.begin_system("refresh tokens carry no tenant").await?;
                sessions.revoke_all(&tx, cx, user, None, reason).await?;
                Ok(tx.commit().await?)
            }
            Sessions::SharedRedis(sessions) => Ok(sessions.revoke_all(user).await?),
        }
    }
}
