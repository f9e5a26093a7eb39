//! The wire format, and the body that a client reads.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use futures_util::Stream;

use super::mailbox::Next;
use super::{Connection, Hub};
use crate::Notification;

/// A comment, which clients pass over.
pub(super) const HEARTBEAT: &[u8] = b":\n\n";

/// The first event, after the time a client waits before it connects again.
pub(super) fn opening(count: i64) -> Vec<u8> {
    [b"retry: 2000\n", unread(count).as_slice()].concat()
}

/// How many are unread. It has no id: it is true when it is sent, and nothing to resume from.
pub(super) fn unread(count: i64) -> Vec<u8> {
    format!("event: unread\ndata: {{\"unread_count\":{count}}}\n\n").into_bytes()
}

/// A notification. JSON has no raw line break, so it is one `data` line.
pub(super) fn notification(notification: &Notification) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = format!("event: notification\nid: {}\ndata: ", notification.number).into_bytes();
    serde_json::to_writer(&mut text, notification)?;
    text.extend_from_slice(b"\n\n");
    Ok(text)
}

/// The body of a stream. Dropping it, which the server does when the client is gone, makes the hub forget it.
pub(crate) struct Events {
    hub: Arc<Hub>,
    connection: Arc<Connection>,
}

impl Events {
    /// Connects `connection` to `hub`.
    pub(crate) fn join(hub: &Arc<Hub>, connection: Connection) -> Self {
        let connection = Arc::new(connection);
        hub.join(&connection);
        Self { hub: Arc::clone(hub), connection }
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(match ready!(self.connection.poll_next(cx)) {
            Next::Text(text) => Some(Ok(text)),
            Next::TextOfMore(text) => {
                self.hub.changed([self.connection.reader.listener.user]);
                Some(Ok(text))
            }
            Next::End => None,
        })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.hub.leave(&self.connection);
    }
}
