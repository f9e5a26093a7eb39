//! user-service's Redis keys (contract 1.2.6, T-57). A Redis that does not answer is a cache without the entry.

use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Seconds that each kind of entry lives.
pub(super) const PERSON: u64 = 15 * 60;
pub(super) const LIST: u64 = 300;
pub(super) const STATS: u64 = 3600;

pub(super) struct Cache {
    redis: ConnectionManager,
}

impl Cache {
    pub(super) const fn new(redis: ConnectionManager) -> Self {
        Self { redis }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text: Option<String> = self.redis.clone().get(key).await.ok()?;
        serde_json::from_str(&text?).ok()
    }

    pub(super) async fn put(&self, key: &str, value: &impl Serialize, seconds: u64) {
        if let Ok(text) = serde_json::to_string(value) {
            let _: Result<(), _> = self.redis.clone().set_ex(key, text, seconds).await;
        }
    }

    /// After a change of a person: theirs, their tenant's lists and numbers, and everybody's numbers.
    pub(super) async fn forget(&self, id: &str, tenant: &str) {
        let mut redis = self.redis.clone();
        let mut keys = vec![format!("user:{id}"), format!("stats:tenant:{tenant}"), "stats:global".to_owned()];
        let lists: Vec<String> = redis.keys(format!("userlist:tenant:{tenant}:*")).await.unwrap_or_default();
        keys.extend(lists);
        let _: Result<(), _> = redis.del(keys).await;
    }
}
