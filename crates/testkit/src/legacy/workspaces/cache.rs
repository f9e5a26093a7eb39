//! workspace-service's Redis keys, each for five minutes (contract 1.3.9, T-57).

use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;
use serde::Serialize;
use serde::de::DeserializeOwned;

const LIFE: u64 = 5 * 60;

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

    pub(super) async fn put(&self, key: &str, value: &impl Serialize) {
        if let Ok(text) = serde_json::to_string(value) {
            let _: Result<(), _> = self.redis.clone().set_ex(key, text, LIFE).await;
        }
    }

    pub(super) async fn forget(&self, key: &str) {
        let _: Result<(), _> = self.redis.clone().del(key).await;
    }
}

pub(super) fn workspace(id: &str) -> String {
    format!("workspace:{id}")
}

pub(super) fn project(id: &str) -> String {
    format!("project:{id}")
}

pub(super) fn workspaces_of(user: &str) -> String {
    format!("user:workspaces:{user}")
}
