//! The old services cache users in Redis for minutes; after a change their entries are deleted, never read (T-57).

use kernel::{TenantId, UserId};
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;

pub(crate) struct LegacyCache(Option<ConnectionManager>);

impl LegacyCache {
    pub(crate) const fn new(redis: Option<ConnectionManager>) -> Self {
        Self(redis)
    }

    /// Forgets what the old services remember about a person. Called after the commit; a failure is only logged,
    /// because the entry expires by itself and the change must not fail for it.
    pub(crate) async fn forget_user(&self, user: UserId, tenant: TenantId) {
        let Some(redis) = &self.0 else { return };
        if let Err(error) = forget(redis.clone(), user, tenant).await {
            tracing::warn!(%error, user_id = %user, "an old service's cache entry could not be deleted; it expires within 15 minutes");
        }
    }
}

async fn forget(mut redis: ConnectionManager, user: UserId, tenant: TenantId) -> redis::RedisResult<()> {
    let mut keys = vec![format!("user:{user}"), format!("stats:tenant:{tenant}"), "stats:global".to_owned()];
    let pattern = format!("userlist:tenant:{tenant}:*");
    let mut cursor = 0_u64;
    loop {
        let (next, found): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(&pattern)
            .arg("COUNT")
            .arg(500)
            .query_async(&mut redis)
            .await?;
        keys.extend(found);
        if next == 0 {
            break;
        }
        cursor = next;
    }
    redis.unlink(keys).await
}
