//! A person is told things as they come.

use kernel::Ctx;

use super::own;
use crate::ports::Listener;
use crate::stream::{Connection, Events, Reader};
use crate::{NotificationError, Notifications, store};

impl Notifications {
    /// The caller's stream: what comes after number `after`, or from now on.
    pub(crate) async fn open_stream(&self, cx: &Ctx, after: Option<i64>) -> Result<Events, NotificationError> {
        let user = own(cx)?;
        let tx = self.db.read(cx).await?;
        let tenant = tx.tenant();
        let state = store::stream::state(&tx, user, cx.now()).await?.ok_or(NotificationError::NotFound)?;
        drop(tx);
        // A number that was never given out would hide everything up to it.
        let seen = after.map_or(state.last_number, |after| after.min(state.last_number));
        let actor = cx.user();
        let listener = Listener { user, tenant, session: actor.and_then(|actor| actor.session) };
        let reader = Reader { listener, expires_at: actor.and_then(|actor| actor.expires_at) };
        Ok(Events::join(&self.streams, Connection::new(reader, self.streams.turn(), seen, state.unread)))
    }
}
