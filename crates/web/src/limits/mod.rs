//! How many requests one caller may send in a minute (T-65): by person, and by address where people are nobody yet.
//!
//! - Counted are whole minutes of the clock, for each family of operations by itself.
//! - Every process counts for itself. With Redis the replicas count together; should Redis be away, each goes on by
//!   itself, so nobody is refused who would not have been refused with it, and nobody waits for it ([`Breaker`]).
//! - Services with the internal key are not counted: they speak for many people.
//!
//! Wrong passwords are counted elsewhere, by account and far more strictly: `users::attempts`.

mod breaker;
mod family;
mod own;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use kernel::{Actor, Ctx, UserId};

use crate::auth::{authenticated, is_service};
use crate::{ApiError, BoxFuture};
pub use breaker::Breaker;
pub use family::Family;
use own::OwnCounts;

/// How many requests a minute; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one address to what takes passwords.
    pub auth: u32,
    /// Of one person to people and tenants.
    pub users: u32,
    /// Of one person to workspaces and what is in them.
    pub workspaces: u32,
    /// Of one person to notifications and webhooks.
    pub notifications: u32,
}

impl Limits {
    const fn of(self, family: Family) -> u32 {
        match family {
            Family::Auth => self.auth,
            Family::Users => self.users,
            Family::Workspaces => self.workspaces,
            Family::Notifications => self.notifications,
        }
    }
}

/// What replicas count together.
pub trait SharedCounts: Send + Sync {
    /// Counts one more under `key`, which is forgotten after `life`, and says how many there are; `None` when it cannot
    /// be said just now.
    fn count<'a>(&'a self, key: &'a str, life: Duration) -> BoxFuture<'a, Option<u32>>;
}

/// Counts requests. Cheap to clone.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    limits: Limits,
    shared: Option<Arc<dyn SharedCounts>>,
    own: OwnCounts,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Person(UserId),
    Address(Option<IpAddr>),
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person(id) => write!(f, "{id}"),
            Self::Address(Some(ip)) => write!(f, "{ip}"),
            Self::Address(None) => f.write_str("unknown"),
        }
    }
}

const MINUTE: i64 = 60;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

impl Limiter {
    /// Counts with the other replicas where there is something `shared`.
    pub fn new(limits: Limits, shared: Option<Arc<dyn SharedCounts>>) -> Self {
        Self(Arc::new(Inner { limits, shared, own: OwnCounts::default() }))
    }

    /// One more request of `who`; how many there are in this minute.
    async fn count(&self, family: Family, who: Who, minute: i64) -> u32 {
        let Inner { limits, shared, own } = &*self.0;
        let counted = own.count(family, who, minute);
        match shared {
            // Who sends too much to this replica alone has sent too much, and Redis has better things to do.
            Some(shared) if counted <= limits.of(family) => {
                let key = format!("pyairtable:limit:{}:{who}:{minute}", family.name());
                // Twice as long as it counts: clocks may differ a little.
                let life = Duration::from_mins(2);
                shared.count(&key, life).await.unwrap_or(0).max(counted)
            }
            _ => counted,
        }
    }
}

/// Install with `axum::middleware::from_fn_with_state(limiter, limited)`, behind the rewriting of paths and around
/// whatever costs more than counting.
pub async fn limited(State(limiter): State<Limiter>, request: Request, next: Next) -> Response {
    let Some(family) = Family::of(request.uri().path()) else { return next.run(request).await };
    let limit = limiter.0.limits.of(family);
    let Some(now) = request.extensions().get::<Ctx>().map(Ctx::now).filter(|_| limit > 0) else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    let who = who(family, &mut parts).await;
    let request = Request::from_parts(parts, body);
    let Some(who) = who else { return next.run(request).await };
    let minute = now.as_second().div_euclid(MINUTE);
    let count = limiter.count(family, who, minute).await;
    let mut response =
        if count > limit { refused(limit, minute, now).into_response() } else { next.run(request).await };
    tell(response.headers_mut(), limit, count, minute);
    response
}

/// Whose request it is; `None` when it is not counted. Who shows no valid token is refused for that.
async fn who(family: Family, parts: &mut Parts) -> Option<Who> {
    if family == Family::Auth {
        let ip = parts.extensions.get::<Ctx>().and_then(|cx| cx.origin.ip);
        return (!is_service(parts)).then(|| Who::Address(ip.map(neighbourhood)));
    }
    match authenticated(parts).await.ok()?.actor {
        Actor::User(user) => Some(Who::Person(user.id)),
        Actor::Anonymous | Actor::Internal { .. } | Actor::System(_) => None,
    }
}

/// A household has one IPv4 address, and 2^64 IPv6 addresses.
fn neighbourhood(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

fn refused(limit: u32, minute: i64, now: Timestamp) -> ApiError {
    let wait = (minute + 1) * MINUTE - now.as_second();
    ApiError::rate_limited(u32::try_from(wait).unwrap_or(1).max(1))
        .message(format!("At most {limit} requests a minute are answered here; Retry-After says when to go on"))
}

fn tell(headers: &mut HeaderMap, limit: u32, count: u32, minute: i64) {
    headers.insert(LIMIT, limit.into());
    headers.insert(REMAINING, limit.saturating_sub(count).into());
    headers.insert(RESET, HeaderValue::from((minute + 1) * MINUTE));
}

#[cfg(test)]
mod tests {
    use super::neighbourhood;

    #[test]
    fn addresses_of_one_household_are_one() {
        let of = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
