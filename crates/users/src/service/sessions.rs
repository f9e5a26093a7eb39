//! A person's open log-ins. Beside the old services there is nothing to list: their tokens say nothing about
//! themselves.

use kernel::{Ctx, SessionId};

use crate::sessions::{Session, Sessions};
use crate::{UserError, Users};

impl Users {
    /// The caller's open log-ins, last used first.
    pub(crate) async fn list_sessions(&self, cx: &Ctx) -> Result<Vec<Session>, UserError> {
        let actor = cx.user().ok_or(UserError::AccessDenied)?;
        let Sessions::Postgres(sessions) = &self.sessions else { return Ok(Vec::new()) };
        let tx = self.db.read(cx).await?;
        let mut open = sessions.list(&tx, cx, actor.id).await?;
        for session in &mut open {
            session.current = Some(session.id) == actor.session;
        }
        Ok(open)
    }

    /// Ends one of the caller's log-ins.
    pub(crate) async fn revoke_session(&self, cx: &Ctx, id: SessionId) -> Result<(), UserError> {
        let actor = cx.user().ok_or(UserError::AccessDenied)?;
        let Sessions::Postgres(sessions) = &self.sessions else { return Err(UserError::SessionNotFound) };
        let tx = self.db.begin(cx).await?;
        if !sessions.revoke_own(&tx, cx, actor.id, id).await? {
            return Err(UserError::SessionNotFound);
        }
        Ok(tx.commit().await?)
    }
}
