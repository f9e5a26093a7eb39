//! A refresh token is exchanged for the next pair.

use kernel::{Ctx, Redacted, UserActor, UserId};

use super::LoggedIn;
use crate::model::User;
use crate::sessions::{Exchange, PostgresSessions, RedisSessions, Sessions, is_plausible, new_token};
use crate::{UserError, Users, store};

impl Users {
    /// Exchanges `token`. The person must still be active; otherwise all their tokens are revoked (T-28).
    pub(crate) async fn refresh(&self, cx: &Ctx, token: &Redacted<String>) -> Result<LoggedIn, UserError> {
        if !is_plausible(token.expose()) {
            return Err(UserError::InvalidRefreshToken);
        }
        match &self.sessions {
            Sessions::Postgres(sessions) => self.refresh_hashed(cx, sessions, token).await,
            Sessions::SharedRedis(sessions) => self.refresh_shared(cx, sessions, token).await,
        }
    }

    /// A new access token for a still valid one, without touching refresh tokens (T-72).
    pub(crate) async fn renew_access(
        &self,
        cx: &Ctx,
        actor: &UserActor,
    ) -> Result<(User, Redacted<String>), UserError> {
        let tx = self.db.read(cx).await?;
        let user = store::find(&tx, actor.id).await?.ok_or(UserError::NotFound)?;
        let token = self.access_token(cx, &user, actor.session)?;
        Ok((user, token))
    }

    async fn refresh_hashed(
        &self,
        cx: &Ctx,
        sessions: &PostgresSessions,
        token: &Redacted<String>,
    ) -> Result<LoggedIn, UserError> {
        let tx = self.db.begin_system(cx, "a refresh token names no tenant").await?;
        match sessions.exchange(&tx, cx, token.expose()).await? {
            Exchange::Refused => Err(UserError::InvalidRefreshToken),
            Exchange::Reused(session) => {
                tx.commit().await?;
                tracing::warn!(session_id = %session, "a refresh token was used twice; its session is revoked");
                Err(UserError::InvalidRefreshToken)
            }
            Exchange::Successor { token, user, session } => {
                let Some(user) = active(store::find_anywhere(&tx, user).await?) else {
                    sessions.revoke(&tx, cx, session, "session.revoked", "account not active").await?;
                    tx.commit().await?;
                    return Err(UserError::InvalidRefreshToken);
                };
                tx.commit().await?;
                let access_token = self.access_token(cx, &user, Some(session))?;
                Ok(LoggedIn { user, access_token, refresh_token: token })
            }
        }
    }

    async fn refresh_shared(
        &self,
        cx: &Ctx,
        sessions: &RedisSessions,
        token: &Redacted<String>,
    ) -> Result<LoggedIn, UserError> {
        let found = sessions.exchange(token, &new_token(cx.rng())).await?;
        let (person, refresh_token) = found.ok_or(UserError::InvalidRefreshToken)?;
        let id: UserId = person.parse().map_err(|_| UserError::InvalidRefreshToken)?;
        let tx = self.db.read_system("a refresh token names no tenant").await?;
        let Some(user) = active(store::find_anywhere(&tx, id).await?) else {
            sessions.revoke_all(id).await?;
            return Err(UserError::InvalidRefreshToken);
        };
        let access_token = self.access_token(cx, &user, None)?;
        Ok(LoggedIn { user, access_token, refresh_token })
    }
}

fn active(user: Option<User>) -> Option<User> {
    user.filter(|user| user.is_active && user.deleted_at.is_none())
}
