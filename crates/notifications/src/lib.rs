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
//! - An event is posted to a webhook under one `webhook-id` and with one body, however often: held by a unique key.
//! - Nothing is posted into private networks: addresses are checked after resolving, and only what was checked is
//!   connected to (`webhooks::guard`).
//! - Secrets of webhooks are stored sealed and shown once; mails are stored sealed until they are sent.
//! - Nothing but a code is sent to an address before its owner has repeated one.
//! - A mail leaves under one `Message-ID` and with one text, however often it is tried.
//! - A tenant's own template can neither lose an event nor hold up others: it is bounded in what it may say, in time and
//!   in size, and passed over when it cannot be filled in (`templates`).
//! - Expired notifications are left out everywhere, from the moment they expire (T-64).
//!
//! Reading and deleting the own notifications leaves no audit record: it changes nothing for anybody else. Telling
//! others something does.
//!
//! Deliberately absent: people and workspaces (see [`People`], [`Places`]).

mod error;
mod http;
mod mail;
mod model;
mod ports;
mod seal;
mod service;
mod store;
mod stream;
mod templates;
mod webhooks;

use std::sync::Arc;

use db::Db;
use kernel::Redacted;

pub use error::NotificationError;
pub use http::{ALIASES, routes};
use mail::Mailer;
pub use mail::{MailSender, MailServer, MailTransport, sender as mail_sender, server as mail_server};
pub use model::{
    Attempt, Category, Channel, Delivery, DeliveryStory, Notification, Parts, Preferences, Template, Webhook,
};
pub use ports::{Addressee, Listener, People, Places, Standings, Stretch, Tenancies};
use seal::Seal;
pub use service::mails::InvitationMail;
pub use store::statements;
pub use webhooks::{Answer, Client, Guard, Resolver, SystemResolver, Target};

/// What the slice needs to know.
pub struct NotificationsConfig {
    /// Knows who belongs to a tenant.
    pub people: Arc<dyn People>,
    /// Knows who is in a workspace.
    pub places: Arc<dyn Places>,
    /// Knows who may still be told things.
    pub standings: Arc<dyn Standings>,
    /// Knows which tenants there are.
    pub tenancies: Arc<dyn Tenancies>,
    /// `JWT_SECRET`; what must not be read in the tables is sealed under a key made of it.
    pub jwt_secret: Redacted<String>,
    /// How machines are told.
    pub webhooks: WebhooksConfig,
    /// How mails leave, if they do.
    pub mail: Option<MailConfig>,
}

/// How mails leave.
pub struct MailConfig {
    /// Where to.
    pub transport: MailTransport,
    /// `MAIL_FROM`: from whom.
    pub from: MailSender,
    /// `INVITATION_URL`: where invitations are accepted, with `{token}` in it.
    pub invitation_url: Option<String>,
}

/// How machines are told.
pub struct WebhooksConfig {
    /// Whether anything is posted at all.
    pub deliver: bool,
    /// `WEBHOOKS_ALLOW_PRIVATE`: whether plain HTTP and private networks may be posted to.
    pub allow_private: bool,
    /// Finds the addresses of receivers.
    pub resolver: Arc<dyn Resolver>,
}

/// The slice.
pub struct Notifications {
    db: Db,
    people: Arc<dyn People>,
    places: Arc<dyn Places>,
    standings: Arc<dyn Standings>,
    tenancies: Arc<dyn Tenancies>,
    streams: Arc<stream::Hub>,
    client: Client,
    mailer: Option<Mailer>,
    invitation_url: Option<String>,
    seal: Seal,
    deliver: bool,
}

impl Notifications {
    /// Puts the slice together.
    pub fn new(db: Db, config: NotificationsConfig) -> Arc<Self> {
        let NotificationsConfig { people, places, standings, tenancies, jwt_secret, webhooks, mail } = config;
        let WebhooksConfig { deliver, allow_private, resolver } = webhooks;
        let client = Client::new(Guard::new(allow_private), resolver);
        let (streams, seal) = (Arc::default(), Seal::new(&jwt_secret));
        let (mailer, invitation_url) =
            mail.map_or((None, None), |mail| (Some(Mailer::new(mail.from, mail.transport)), mail.invitation_url));
        Arc::new(Self {
            db,
            people,
            places,
            standings,
            tenancies,
            streams,
            client,
            mailer,
            invitation_url,
            seal,
            deliver,
        })
    }
}
