//! What is looked at in all streams twice a second: whether their people may stay, and whether their clients keep up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kernel::Ctx;
use tokio::time::{MissedTickBehavior, interval};

use super::Connection;
use crate::Notifications;
use crate::ports::Listener;

/// Half of the second within which somebody refused is disconnected.
const EVERY: Duration = Duration::from_millis(500);
/// Every stream has its turn once in so many rounds: 15 s.
const ROUNDS: usize = 30;

impl Notifications {
    /// Looks as long as it is polled.
    pub(super) async fn watch(&self, cx: &Ctx) {
        let mut ticks = interval(EVERY);
        // What was missed while the machine slept is not made up for.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failing = false;
        for round in (0..ROUNDS).cycle() {
            ticks.tick().await;
            let connections = self.streams.everybody();
            let stuck = connections.iter().filter(|connection| connection.end_if_stuck()).count();
            if stuck > 0 {
                tracing::info!(stuck, "streams of clients that do not read were cut");
            }
            self.beat(&connections, round);
            match self.end_refused(cx, &connections).await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "the people of streams could not be looked up, trying again");
                    }
                }
            }
        }
    }

    async fn end_refused(&self, cx: &Ctx, connections: &[Arc<Connection>]) -> Result<(), db::Error> {
        let now = cx.now();
        let mut streams: HashMap<Listener, Vec<&Connection>> = HashMap::new();
        for connection in connections {
            if connection.reader.expires_at.is_some_and(|at| at <= now) {
                connection.end();
            } else {
                streams.entry(connection.reader.listener).or_default().push(connection);
            }
        }
        if streams.is_empty() {
            return Ok(());
        }
        let listeners: Vec<Listener> = streams.keys().copied().collect();
        for place in self.standings.refused(&listeners).await? {
            let refused = listeners.get(place).and_then(|listener| streams.get(listener));
            for connection in refused.into_iter().flatten() {
                connection.end();
            }
        }
        Ok(())
    }

    /// Heartbeats, spread over the rounds. The feed is read with it: an unread notification that expires changes the
    /// count without anybody writing, and a pooler in between may swallow notices.
    fn beat(&self, connections: &[Arc<Connection>], round: usize) {
        let due: Vec<_> = connections.iter().filter(|connection| connection.turn % ROUNDS == round).collect();
        self.streams.changed(due.iter().map(|connection| connection.reader.listener.user));
        for connection in due {
            connection.beat();
        }
    }
}
