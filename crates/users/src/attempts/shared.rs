//! Failures that replicas count together, in Redis. Two sorted sets for each account and address, by time in
//! milliseconds: what failed, and what is under way on any replica, which nobody else may use up meanwhile.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use kernel::Ctx;
use redis::Script;
use redis::aio::ConnectionManager;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use web::Breaker;

use super::WINDOW;

/// When an attempt that was never heard of again counts as over: its replica ended.
const ABANDONED_MS: i64 = 30_000;

/// 0 when a place was taken, -1 when it depends on others under way, else the milliseconds until there is one.
const BEGIN: &str = "
    local now, window, places = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (now - window))
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[5]))
    local failures = redis.call('ZCARD', KEYS[1])
    if failures >= places then
        local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2]
        return math.max(oldest + window - now, 1)
    end
    if failures + redis.call('ZCARD', KEYS[2]) >= places then
        return -1
    end
    redis.call('ZADD', KEYS[2], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[5])
    return 0
";

const FAILED: &str = "
    redis.call('ZREM', KEYS[2], ARGV[1])
    redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
";

const SUCCEEDED: &str = "
    redis.call('ZREM', KEYS[2], ARGV[1])
    redis.call('DEL', KEYS[1])
";

const GIVEN_BACK: &str = "redis.call('ZREM', KEYS[2], ARGV[1])";

pub(super) struct SharedAttempts {
    redis: ConnectionManager,
    breaker: Arc<Breaker>,
    begin: Script,
    failed: Script,
    succeeded: Script,
    given_back: Script,
}

/// What becomes of an attempt.
pub(super) enum Begun {
    /// It has a place.
    Place(Place),
    /// It depends on others.
    Wait,
    /// Too many failed; there is a place in so many seconds.
    Refused(u32),
    /// Redis cannot say.
    Unknown,
}

/// A place among all replicas.
pub(super) struct Place {
    shared: Arc<SharedAttempts>,
    keys: [String; 2],
    id: String,
}

impl SharedAttempts {
    pub(super) fn new(redis: ConnectionManager, breaker: Arc<Breaker>) -> Arc<Self> {
        let [begin, failed, succeeded, given_back] = [BEGIN, FAILED, SUCCEEDED, GIVEN_BACK].map(Script::new);
        Arc::new(Self { redis, breaker, begin, failed, succeeded, given_back })
    }

    /// Tries to take one of `places`.
    pub(super) async fn begin(self: &Arc<Self>, cx: &Ctx, who: &(Option<IpAddr>, String), places: usize) -> Begun {
        let place = Place { shared: Arc::clone(self), keys: keys(who), id: cx.new_id::<Uuid>().to_string() };
        let rest = [cx.now().as_millisecond(), window_ms(), i64::try_from(places).unwrap_or(i64::MAX), ABANDONED_MS];
        match place.run::<i64>(&self.begin, &rest).await {
            Some(0) => Begun::Place(place),
            Some(wait) if wait > 0 => Begun::Refused(u32::try_from((wait + 999) / 1_000).unwrap_or(u32::MAX)),
            Some(_) => Begun::Wait,
            None => Begun::Unknown,
        }
    }
}

impl Place {
    /// Whether it could be written down.
    pub(super) async fn failed(&self, now: jiff::Timestamp) -> bool {
        self.run::<()>(&self.shared.failed, &[now.as_millisecond(), window_ms()]).await.is_some()
    }

    pub(super) async fn succeeded(&self) {
        self.run::<()>(&self.shared.succeeded, &[]).await;
    }

    pub(super) async fn give_back(&self) {
        self.run::<()>(&self.shared.given_back, &[]).await;
    }

    async fn run<T: redis::FromRedisValue>(&self, script: &Script, rest: &[i64]) -> Option<T> {
        let mut redis = self.shared.redis.clone();
        let mut invocation = script.key(&self.keys[..]);
        invocation.arg(&self.id);
        for number in rest {
            invocation.arg(number);
        }
        self.shared.breaker.ask(invocation.invoke_async(&mut redis)).await
    }
}

fn window_ms() -> i64 {
    i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX)
}

/// Names are addresses of people, whom Redis need not know.
fn keys((ip, account): &(Option<IpAddr>, String)) -> [String; 2] {
    let digest = Sha256::digest(account).iter().take(16).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let ip = ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
    ["failures", "attempts"].map(|what| format!("pyairtable:{what}:{ip}:{digest}"))
}
