//! From the rows to the streams: one query for many people.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::{Ctx, TenantId, UserId};
use tokio::time::sleep;

use super::{Connection, events};
use crate::store::stream::{self, Feed, PAGE};
use crate::{NotificationError, Notifications};

/// How long after the first change others are waited for.
const GATHER: Duration = Duration::from_millis(20);
/// How long the database is left alone after it has failed.
const RECOVERY: Duration = Duration::from_millis(500);
/// How many feeds one query reads: a full page of each must fit into memory.
const FEEDS: usize = 500;

/// Streams that have got equally far in the same feed.
type Groups = HashMap<(TenantId, UserId, i64), Vec<Arc<Connection>>>;

impl Notifications {
    /// Reads what is new as long as it is polled.
    pub(super) async fn serve_streams(&self, cx: &Ctx) {
        let mut failing = false;
        loop {
            self.streams.woken.notified().await;
            sleep(GATHER).await;
            let connections = self.streams.take_changed();
            match self.deliver_to(cx, &connections).await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "notifications could not be read for streams, trying again");
                    }
                    sleep(RECOVERY).await;
                    self.streams.changed(connections.iter().map(|connection| connection.reader.listener.user));
                }
            }
        }
    }

    async fn deliver_to(&self, cx: &Ctx, connections: &[Arc<Connection>]) -> Result<(), NotificationError> {
        let mut groups = Groups::new();
        for connection in connections {
            if let Some(seen) = connection.wants() {
                let of = connection.reader.listener;
                groups.entry((of.tenant, of.user, seen)).or_default().push(Arc::clone(connection));
            }
        }
        let groups: Vec<_> = groups.into_iter().collect();
        for some in groups.chunks(FEEDS) {
            let feeds: Vec<Feed> = some
                .iter()
                .map(|((tenant, user, seen), _)| Feed { tenant: *tenant, user: *user, seen: *seen })
                .collect();
            let tx = self.db.begin_system(cx, "changes of many tenants are read together for their streams").await?;
            let news = stream::news(&tx, &feeds, cx.now()).await?;
            tx.commit().await?;
            for (news, (_, connections)) in news.iter().zip(some) {
                let page: Vec<(i64, Vec<u8>)> = news
                    .notifications
                    .iter()
                    .filter_map(|one| events::notification(one).ok().map(|event| (one.number, event)))
                    .collect();
                let more = news.notifications.len() >= PAGE;
                for connection in connections {
                    connection.deliver(&page, more, news.unread);
                }
            }
        }
        Ok(())
    }
}
