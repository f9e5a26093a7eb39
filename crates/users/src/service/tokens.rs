//! The pair of tokens that registration, log-in and refresh end with.

use db::audit::AuditEvent;
use kernel::{Actor, Ctx, Redacted, SessionId, UserActor};

use crate::model::User;
use crate::sessions::{Sessions, new_token};
use crate::token::Subject;
use crate::{UserError, Users};

/// A person with fresh tokens.
#[derive(Debug)]
pub(crate) struct LoggedIn {
    pub(crate) user: User,
    pub(crate) access_token: Redacted<String>,
    pub(crate) refresh_token: Redacted<String>,
}

impl Users {
    /// Opens a log-in in the caller's transaction, records it as `event` by the person themselves, and commits.
    pub(super) async fn open_session(
        &self,
        cx: &Ctx,
        tx: db::SystemTx,
        user: User,
        event: &AuditEvent,
    ) -> Result<LoggedIn, UserError> {
        let actor =
            UserActor { id: user.id, tenant: user.tenant_id, role: user.role(), session: None, expires_at: None };
        let cx = &cx.with_actor(Actor::User(actor));
        let refresh_token = new_token(cx.rng());
        let session = match &self.sessions {
            Sessions::Postgres(sessions) => {
                let session = sessions.open(&tx, cx, user.id, user.tenant_id, &refresh_token).await?;
                tx.audit(cx, event).await?;
                tx.commit().await?;
                Some(session)
            }
            Sessions::SharedRedis(sessions) => {
                // While the account is still locked: who changes its password or switches it off meanwhile waits, and
                // then revokes this token too. A token whose account was not committed after all belongs to nobody,
                // was shown to nobody, and is refused.
                sessions.issue(user.id, &refresh_token).await?;
                tx.audit(cx, event).await?;
                tx.commit().await?;
                None
            }
        };
        let access_token = self.access_token(cx, &user, session)?;
        Ok(LoggedIn { user, access_token, refresh_token })
    }

    pub(super) fn access_token(
        &self,
        cx: &Ctx,
        user: &User,
        session: Option<SessionId>,
    ) -> Result<Redacted<String>, UserError> {
        let subject = Subject { id: user.id, email: &user.email, role: &user.role, tenant: user.tenant_id, session };
        Ok(self.tokens.issue(subject, cx.now(), cx.rng().bytes())?)
    }
}
