//! People: accounts, credentials, tokens and log-ins. Replaces user-service and the authentication it relied on.
//!
//! Invariants:
//! - One account an e-mail address, whatever its case (T-56). Held by the unique key and, for other spellings, by an
//!   advisory lock on the folded address.
//! - A log-in is a session; the refresh tokens that descend from it form one family. Only one token of a family can be
//!   exchanged, and exchanging it twice at once yields the same successor twice, never two.
//! - Deactivating, deleting or revoking takes effect on the next request: nothing about a person is cached.
//! - Nobody joins, or comes back to, a tenant whose seats are taken; held by the tenant's lock. Whoever is switched off
//!   keeps their seat, whoever is deleted does not. While old services run seats are advisory (T-48).
//! - Passwords never leave this crate, not even as hashes.
//!
//! What `LEGACY_COEXISTENCE` changes here: the password scheme ([`password`]), the token store ([`sessions`]), the old
//! services' caches ([`legacy_cache`]), whether a bare `tenant_id` may join a tenant and whether seats are counted
//! ([`service`]).
//!
//! Deliberately absent: tenants themselves (see [`TenantDirectory`]) and workspace roles.

mod attempts;
mod audit;
mod error;
mod events;
mod http;
mod legacy_cache;
mod model;
mod names;
mod password;
mod ports;
mod service;
mod sessions;
mod store;
mod token;
mod turns;

use std::sync::Arc;

use db::Db;
use kernel::Redacted;

pub use error::UserError;
pub use http::{ALIASES, routes};
pub use model::User;
pub use names::{
    Addressee, Name, Present, STATEMENTS as NAME_STATEMENTS, addressees, everybody, names, present, senior_admin,
};
pub use password::Scheme;
pub use ports::{HandedOver, Possessions, Seats, SignUpTenant, TenantDirectory};
pub use service::bootstrap::NewSuperAdmin;
pub use service::standing::LogInOf;
pub use service::tenancy::{CheckedAccount, FirstLogIn, Headcount, NewAccount, OpenLogIn};

use crate::attempts::Attempts;
use crate::legacy_cache::LegacyCache;
use crate::password::Passwords;
use crate::sessions::Sessions;
use crate::token::Tokens;
use crate::turns::Turns;

/// Every statement the slice can run, fixed and built, for the test that prepares them all.
pub fn statements() -> Vec<db::Sql> {
    [store::STATEMENTS, store::tenancy::STATEMENTS, store::recent::STATEMENTS, sessions::STATEMENTS, names::STATEMENTS]
        .concat()
        .into_iter()
        .chain(store::list::LIST.statements())
        .collect()
}

/// What the slice needs to know.
pub struct UsersConfig {
    /// Signs access tokens; the same as the old services' (contract 3.1).
    pub jwt_secret: Redacted<String>,
    /// Whether old services run beside this program on the same data.
    pub coexistence: bool,
    /// The Redis the old services share; required in coexistence.
    pub redis: Option<redis::aio::ConnectionManager>,
    /// Keeps those from waiting who only count there.
    pub breaker: Arc<web::Breaker>,
    /// `RATE_LIMIT_AUTH_FAILURES`: wrong passwords for one account from one address in a quarter of an hour.
    pub auth_failures: u16,
    /// Creates the tenant of a person who signs up alone.
    pub tenants: Arc<dyn TenantDirectory>,
    /// What people own elsewhere.
    pub possessions: Arc<dyn Possessions>,
}

/// The slice.
pub struct Users {
    db: Db,
    passwords: Passwords,
    attempts: Attempts,
    registrations: Turns,
    tokens: Tokens,
    sessions: Sessions,
    legacy_cache: LegacyCache,
    tenants: Arc<dyn TenantDirectory>,
    possessions: Arc<dyn Possessions>,
    coexistence: bool,
}

impl Users {
    /// Puts the slice together. Fails when coexistence is on without Redis, where the old services keep their refresh
    /// tokens.
    pub fn new(db: Db, config: UsersConfig) -> Result<Arc<Self>, &'static str> {
        let UsersConfig { jwt_secret, coexistence, redis, breaker, auth_failures, tenants, possessions } = config;
        let sessions = match (coexistence, redis.clone()) {
            (false, _) => Sessions::postgres(),
            (true, Some(redis)) => Sessions::shared_redis(redis),
            (true, None) => {
                return Err("LEGACY_COEXISTENCE needs REDIS_URL: the old services keep refresh tokens there");
            }
        };
        Ok(Arc::new(Self {
            db,
            passwords: Passwords::new(if coexistence { Scheme::Bcrypt } else { Scheme::Argon2id }),
            attempts: Attempts::new(auth_failures, redis.clone(), breaker),
            registrations: Turns::default(),
            tokens: Tokens::new(&jwt_secret),
            sessions,
            legacy_cache: LegacyCache::new(redis.filter(|_| coexistence)),
            tenants,
            possessions,
            coexistence,
        }))
    }

    /// Whether old services write the same rows.
    pub const fn has_old_services(&self) -> bool {
        self.coexistence
    }
}
