//! Notices from PostgreSQL, sent by whoever changes a feed (see `store::feed::changed`).

use std::time::Duration;

use db::DatabaseUrl;
use db::listen::Listener;
use kernel::UserId;
use tokio::time::sleep;
use uuid::Uuid;

use super::Hub;
use crate::store::feed::CHANNEL;

const SHORTEST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Passes notices on without end, connecting again as often as it takes.
pub(super) async fn notices(hub: &Hub, url: &DatabaseUrl) {
    let mut wait = SHORTEST_WAIT;
    let mut lost = false;
    loop {
        match Listener::open(url, CHANNEL).await {
            Ok(mut listener) => {
                if std::mem::take(&mut lost) {
                    tracing::info!("listening for notifications again");
                }
                wait = SHORTEST_WAIT;
                // Nobody heard what was sent before.
                hub.all_changed();
                let error = loop {
                    match listener.next().await {
                        Ok(payload) => hub.changed(people(&payload)),
                        Err(error) => break error,
                    }
                };
                lost = true;
                tracing::warn!(%error, "not listening for notifications, streams are served from regular reads");
            }
            Err(error) if !lost => {
                lost = true;
                tracing::warn!(%error, "cannot listen for notifications, streams are served from regular reads");
            }
            Err(_) => {}
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn people(payload: &str) -> impl Iterator<Item = UserId> {
    payload.split(',').filter_map(|id| Uuid::try_parse(id).ok()).map(UserId)
}
