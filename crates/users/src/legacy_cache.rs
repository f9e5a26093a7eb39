//! The old services cache users in Redis for minutes; after a change their entries are deleted, never read (T-57).

use std::collections::BTreeSet;

use kernel::{TenantId, UserId};
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;

pub(crate) struct LegacyCache(Option<ConnectionManager>);

impl LegacyCache {
    pub(crate) const fn new(redis: Option<ConnectionManager>) -> Self {
        Self(redis)
    }

    /// Forgets one person's own entry: all that a log-in changes anything in.
    pub(crate) async fn forget_entry(&self, user: UserId) {
        let Some(redis) = &self.0 else { return };
        let forgotten: redis::RedisResult<()> = redis.clone().unlink(format!("user:{user}")).await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "a cache entry of the old services could not be deleted; it expires within 15 minutes");
        }
    }

    /// Forgets what the old services remember about people. Called after the commit; a failure is only logged, because
    /// the entries expire by themselves and the change must not fail for it.
    pub(crate) async fn forget(&self, people: &[(UserId, TenantId)]) {
        let Some(redis) = &self.0 else { return };
        if let Err(error) = forget(redis.clone(), people).await {
            tracing::warn!(%error, "cache entries of the old services could not be deleted; they expire within 15 minutes");
        }
    }
}

async fn forget(mut redis: ConnectionManager, people: &[(UserId, TenantId)]) -> redis::RedisResult<()> {
    let tenants: BTreeSet<TenantId> = people.iter().map(|(_, tenant)| *tenant).collect();
    let mut keys: Vec<String> = people.iter().map(|(user, _)| format!("user:{user}")).collect();
    keys.extend(tenants.iter().map(|tenant| format!("stats:tenant:{tenant}")));
    keys.push("stats:global".to_owned());
    // One walk for all tenants: the list keys end in filters that nobody knows.
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg("userlist:tenant:*").arg("COUNT").arg(1000);
        let (next, found): (u64, Vec<String>) = scan.query_async(&mut redis).await?;
        keys.extend(found.into_iter().filter(|key| {
            key.split(':').nth(2).and_then(|id| id.parse().ok()).is_some_and(|tenant| tenants.contains(&tenant))
        }));
        if next == 0 {
            break;
        }
        cursor = next;
    }
    redis.unlink(keys).await
}
