//! Refresh tokens: where they are kept depends on who else must accept them.

mod postgres;
mod shared_redis;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use kernel::{Redacted, Rng};
use redis::aio::ConnectionManager;

pub(crate) use postgres::{Exchange, PostgresSessions, STATEMENTS, Session};
pub(crate) use shared_redis::RedisSessions;

/// How long a refresh token lives; each exchange starts it anew.
pub(crate) const REFRESH_LIFETIME: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);
/// How long an exchanged token still answers with the same successor: two tabs of one browser, or a client that did
/// not get the answer, must not sign a person out.
pub(crate) const GRACE: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

/// The store in use.
pub(crate) enum Sessions {
    /// Hashed, with reuse detection: once no old service runs.
    Postgres(PostgresSessions),
    /// In clear under the old services' own keys, so that a pair issued by either side refreshes on the other (T-35).
    SharedRedis(RedisSessions),
}

impl Sessions {
    pub(crate) const fn postgres() -> Self {
        Self::Postgres(PostgresSessions)
    }

    pub(crate) fn shared_redis(redis: ConnectionManager) -> Self {
        Self::SharedRedis(RedisSessions::new(redis))
    }
}

/// 32 random bytes in the old services' spelling: URL-safe base64 with padding, 44 characters.
pub(crate) fn new_token(rng: &dyn Rng) -> Redacted<String> {
    spell(&rng.bytes::<32>())
}

pub(crate) fn spell(bytes: &[u8; 32]) -> Redacted<String> {
    BASE64_URL_SAFE.encode(bytes).into()
}

/// Whether `token` can be a refresh token at all.
pub(crate) fn is_plausible(token: &str) -> bool {
    token.len() == 44 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_=".contains(&byte))
}
