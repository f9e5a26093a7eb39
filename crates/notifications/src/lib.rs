//! What people are told of: a feed for each person, filled by people, services and the events of other slices. Replaces
//! notification-service, which was a scaffold and never stored any (contract 1.5).
//!
//! Invariants:
//! - A notification belongs to one person, and nobody else reads, marks or deletes it; others' do not exist (T-63).
//! - How many are unread is counted from the rows and stored nowhere, so it cannot drift from them.
//! - An event tells a person once, however often its job runs: held by a unique key.
//! - The numbers of a person's notifications become visible in order (see `notification_feeds`), so whoever has seen
//!   number n has seen all before it.
//! - Who is told of an event is decided when its job runs, in the transaction that finishes the job.
//! - Expired notifications are left out everywhere, from the moment they expire (T-64).
//!
//! Reading and deleting the own notifications leaves no audit record: it changes nothing for anybody else. Telling
//! others something does.
//!
//! Deliberately absent: people and workspaces (see [`People`], [`Places`]).

mod error;
mod http;
mod model;
mod ports;
mod service;
mod store;
mod stream;

use std::sync::Arc;

use db::Db;

pub use error::NotificationError;
pub use http::{ALIASES, routes};
pub use model::Notification;
pub use ports::{Listener, People, Places, Standings};
pub use store::statements;

/// What the slice needs to know.
pub struct NotificationsConfig {
    /// Knows who belongs to a tenant.
    pub people: Arc<dyn People>,
    /// Knows who is in a workspace.
    pub places: Arc<dyn Places>,
    /// Knows who may still be told things.
    pub standings: Arc<dyn Standings>,
}

/// The slice.
pub struct Notifications {
    db: Db,
    people: Arc<dyn People>,
    places: Arc<dyn Places>,
    standings: Arc<dyn Standings>,
    streams: Arc<stream::Hub>,
}

impl Notifications {
    /// Puts the slice together.
    pub fn new(db: Db, config: NotificationsConfig) -> Arc<Self> {
        let NotificationsConfig { people, places, standings } = config;
        Arc::new(Self { db, people, places, standings, streams: Arc::default() })
    }
}
