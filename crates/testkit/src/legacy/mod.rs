//! A stand-in for the old Go services, made from their description alone: it shares no code with the slices that replace
//! them, so that running both side by side proves something.
//!
//! One module for each old service, `layouts` for the databases they may have left, `generate` for rows in them, `suite`
//! for the proof that the stand-in does what the description says. What the description does not say is marked
//! [inferred], and is the simplest thing.

mod access_token;
mod auth;
mod fault;
mod framework;
pub mod generate;
pub mod layouts;
mod notifications;
mod scaffold;
mod scan;
mod store;
pub mod suite;
mod tenants;
mod users;
mod workspaces;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use kernel::{Clock, Rng};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::auth::Gate;
pub use self::fault::Fault;
use self::layouts::{Place, Places};
use self::store::Store;
use crate::Client;

/// What the services are started with.
pub struct Config {
    /// The database of each.
    pub places: Places,
    /// The Redis they share with each other and with this program.
    pub redis_url: String,
    /// The key of access tokens.
    pub jwt_secret: String,
    /// Their clock.
    pub clock: Arc<dyn Clock>,
    /// Where ids, salts and refresh tokens come from.
    pub rng: Arc<dyn Rng>,
    /// Whether auth-service's `me` and `change-password` work as they were meant to, and not as deployed (T-24).
    pub auth_bearer: bool,
    /// Most connections of each service.
    pub connections: usize,
}

/// What all services have.
struct Shared {
    redis: ConnectionManager,
    jwt_secret: String,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    auth_bearer: bool,
}

/// One thing for each service.
#[derive(Debug, Clone, Copy)]
pub struct Each<T> {
    /// auth-service
    pub auth: T,
    /// user-service
    pub users: T,
    /// workspace-service
    pub workspaces: T,
    /// tenant-service
    pub tenants: T,
    /// notification-service
    pub notifications: T,
}

/// The old services, running in this process.
pub struct Legacy {
    /// Their routers, for tests without sockets.
    pub routers: Each<Router>,
    /// Where they listen; empty texts where they do not.
    pub urls: Each<String>,
    /// Holds log-ins between their read and their write.
    pub login_gate: Arc<Gate>,
    workspaces: Arc<workspaces::Workspaces>,
    notifications: Arc<notifications::Notifications>,
    listening: Vec<JoinHandle<()>>,
}

impl Legacy {
    /// The services without sockets. Nothing is migrated.
    pub async fn in_process(config: Config) -> Result<Self, Fault> {
        let shared = Shared {
            redis: connect(&config.redis_url).await?,
            jwt_secret: config.jwt_secret,
            clock: config.clock,
            rng: config.rng,
            auth_bearer: config.auth_bearer,
        };
        let store = |place: &Place| Store::new(place, config.connections);
        let login_gate = Arc::new(Gate::default());
        let auth = Arc::new(auth::Auth::new(&shared, store(&config.places.auth)?, Arc::clone(&login_gate)));
        let users = Arc::new(users::Users::new(&shared, store(&config.places.users)?));
        let workspaces = Arc::new(workspaces::Workspaces::new(&shared, store(&config.places.workspaces)?));
        let tenants = Arc::new(tenants::Tenants::new(&shared, store(&config.places.tenants)?));
        let notifications = Arc::new(notifications::Notifications::new(&shared, store(&config.places.notifications)?));
        Ok(Self {
            routers: Each {
                auth: auth.router(),
                users: users.router(),
                workspaces: Arc::clone(&workspaces).router(),
                tenants: tenants.router(),
                notifications: Arc::clone(&notifications).router(),
            },
            urls: Each {
                auth: String::new(),
                users: String::new(),
                workspaces: String::new(),
                tenants: String::new(),
                notifications: String::new(),
            },
            login_gate,
            workspaces,
            notifications,
            listening: Vec::new(),
        })
    }

    /// The services as they start: each migrates what it migrates, then listens on a port of its own.
    pub async fn start(config: Config) -> Result<Self, Fault> {
        Self::start_at(config, None).await
    }

    /// The same on the five ports from `first` on.
    pub async fn start_at(config: Config, first: Option<u16>) -> Result<Self, Fault> {
        let mut legacy = Self::in_process(config).await?;
        legacy.auto_migrate().await?;
        let Each { auth, users, workspaces, tenants, notifications } = legacy.routers.clone();
        let mut urls = Vec::new();
        for (number, router) in (0..).zip([auth, users, workspaces, tenants, notifications]) {
            let port = first.map_or(0, |first| first.saturating_add(number));
            let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
            urls.push(format!("http://{}", listener.local_addr()?));
            legacy.listening.push(tokio::spawn(async move {
                let _ = axum::serve(listener, router).await;
            }));
        }
        let mut url = urls.into_iter().map(|url: String| url);
        let mut next = || url.next().unwrap_or_default();
        legacy.urls = Each { auth: next(), users: next(), workspaces: next(), tenants: next(), notifications: next() };
        Ok(legacy)
    }

    /// What services with an ORM do to the schema at start. The others have SQL files that a runner applies.
    pub async fn auto_migrate(&self) -> Result<(), Fault> {
        self.workspaces.auto_migrate().await?;
        self.notifications.auto_migrate().await
    }

    /// A client without sockets for each service.
    pub fn clients(&self) -> Each<Client> {
        let Each { auth, users, workspaces, tenants, notifications } = self.routers.clone();
        Each {
            auth: Client::new(auth),
            users: Client::new(users),
            workspaces: Client::new(workspaces),
            tenants: Client::new(tenants),
            notifications: Client::new(notifications),
        }
    }
}

impl Drop for Legacy {
    fn drop(&mut self) {
        for task in &self.listening {
            task.abort();
        }
    }
}

async fn connect(url: &str) -> Result<ConnectionManager, Fault> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(Duration::from_secs(2)));
    Ok(ConnectionManager::new_with_config(redis::Client::open(url)?, config).await?)
}
