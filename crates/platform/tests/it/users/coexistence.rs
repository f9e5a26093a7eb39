//! `LEGACY_COEXISTENCE=true`: old services on the same PostgreSQL and Redis must be able to use everything written
//! here, and the other way round (T-35, T-36).

mod accounts;
mod caches;
mod outage;
mod tokens;

use std::collections::BTreeMap;
use std::time::Duration;

use redis::AsyncCommands as _;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use testkit::TestRedis;

use crate::support::TestApp;

/// Seconds in the seven days that refresh tokens live.
const WEEK: i64 = 7 * 24 * 3600;
const REFUSED: &str = "Invalid or expired refresh token";

/// The program beside old services, and a connection to the Redis they share.
struct Shared {
    app: TestApp,
    redis: ConnectionManager,
}

impl Shared {
    async fn new() -> Self {
        let url = tokio::task::spawn_blocking(TestRedis::url).await.unwrap();
        Self::on(&url).await
    }

    async fn on(url: &str) -> Self {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)));
        let client = redis::Client::open(url).unwrap();
        let redis = ConnectionManager::new_with_config(client, config).await.unwrap();
        let for_app = redis.clone();
        let app = TestApp::with(|parts| {
            parts.coexistence = true;
            parts.redis = Some(for_app);
        })
        .await;
        Self { app, redis }
    }

    /// Every key with its value (a set as its sorted members) and the seconds it has left.
    async fn keys(&self) -> BTreeMap<String, (String, i64)> {
        let mut redis = self.redis.clone();
        let mut names: Vec<String> = redis.keys("*").await.unwrap();
        // Counted requests; no old service has a key by such a name.
        names.retain(|name| !name.starts_with("pyairtable:limit:"));
        let mut keys = BTreeMap::new();
        for name in names {
            let kind: String = redis::cmd("TYPE").arg(&name).query_async(&mut redis).await.unwrap();
            let value = if kind == "set" {
                let mut members: Vec<String> = redis.smembers(&name).await.unwrap();
                members.sort();
                members.join(",")
            } else {
                redis.get(&name).await.unwrap()
            };
            let left: i64 = redis.ttl(&name).await.unwrap();
            keys.insert(name, (value, left));
        }
        keys
    }

    /// What auth-service does at a log-in (contract 3.2).
    async fn issue_as_old_service(&self, user: &str, token: &str) {
        let mut redis = self.redis.clone();
        let life = u64::try_from(WEEK).unwrap();
        redis.set_ex::<_, _, ()>(format!("refresh_token:{token}"), user, life).await.unwrap();
        redis.sadd::<_, _, ()>(format!("user_tokens:{user}"), token).await.unwrap();
        redis.expire::<_, ()>(format!("user_tokens:{user}"), WEEK).await.unwrap();
    }

    /// Whether auth-service would exchange the token: blacklist first, then the key (contract 3.2).
    async fn accepted_by_old_service(&self, token: &str) -> Option<String> {
        let mut redis = self.redis.clone();
        if redis.exists(format!("blacklist_token:{token}")).await.unwrap() {
            return None;
        }
        redis.get(format!("refresh_token:{token}")).await.unwrap()
    }
}

/// A token as an old service spells it.
fn old_token(letter: char) -> String {
    format!("{}=", letter.to_string().repeat(43))
}

fn assert_a_week(left: i64) {
    assert!((WEEK - 60..=WEEK).contains(&left), "{left} seconds left");
}
