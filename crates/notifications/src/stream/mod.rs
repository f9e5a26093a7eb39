//! What people are told as it comes: one hub in each process for all streams connected to it.
//!
//! Invariants:
//! - The rows are the truth. A notice from PostgreSQL only says whose rows to read; each stream remembers the number it
//!   has got to, and is sent what lies above. So nothing is lost or sent twice, whichever replica wrote it, and whatever
//!   happens to notices: everybody is read again after the listening connection was lost, and every 15 s.
//! - What waits in memory for a client is bounded. More than that stays in PostgreSQL until the client has taken what is
//!   there; who does not take it is disconnected, and resumes by `Last-Event-ID`.
//! - Nobody stays connected for a second whose request would be refused (see [`crate::Standings`]).
//! - A stream has no task, timer or buffer of its own: heartbeats, checks and reads are the hub's, for all at once.
//!
//! While the hub does not run, before the start and after the signal to stop, streams end after their first event, and
//! clients come back.

mod deliver;
mod events;
mod hub;
mod listen;
mod mailbox;
mod watch;

use std::sync::Arc;

use db::DatabaseUrl;
use kernel::Ctx;
use tokio::sync::watch::Receiver;

pub(crate) use events::Events;
pub(crate) use hub::Hub;
pub(crate) use mailbox::{Connection, Reader};

use crate::Notifications;

impl Notifications {
    /// Serves the streams of this process until `stop` turns true or its sender is gone, then ends them all.
    pub async fn run_streams(self: Arc<Self>, url: DatabaseUrl, cx: Ctx, mut stop: Receiver<bool>) {
        let _open = self.streams.open();
        tokio::select! {
            () = listen::notices(&self.streams, &url) => {}
            () = self.serve_streams(&cx) => {}
            () = self.watch(&cx) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}
