//! Refresh tokens in Redis, in clear, in several commands each (contract 3.2, T-35). `invalidate_all` exists in the old
//! code and is called by nothing, so it is not here.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use redis::AsyncCommands as _;
use redis::aio::ConnectionManager;

use crate::legacy::fault::Fault;

/// Seconds a token lives: seven days.
const LIFE: u64 = 7 * 24 * 3600;

pub(super) struct RefreshTokens {
    redis: ConnectionManager,
    rng: Arc<dyn kernel::Rng>,
}

impl RefreshTokens {
    pub(super) fn new(redis: ConnectionManager, rng: Arc<dyn kernel::Rng>) -> Self {
        Self { redis, rng }
    }

    /// 32 random bytes in URL-safe base64 with padding, stored for a person.
    pub(super) async fn issue(&self, owner: &str) -> Result<String, Fault> {
        let token = BASE64_URL_SAFE.encode(self.rng.bytes::<32>());
        let mut redis = self.redis.clone();
        let set = format!("user_tokens:{owner}");
        redis.set_ex::<_, _, ()>(format!("refresh_token:{token}"), owner, LIFE).await?;
        redis.sadd::<_, _, ()>(&set, &token).await?;
        redis.expire::<_, ()>(&set, i64::try_from(LIFE).unwrap_or(i64::MAX)).await?;
        Ok(token)
    }

    /// Whose it is. The blacklist is asked first.
    pub(super) async fn owner(&self, token: &str) -> Result<Option<String>, Fault> {
        let mut redis = self.redis.clone();
        if redis.exists(format!("blacklist_token:{token}")).await? {
            return Ok(None);
        }
        Ok(redis.get(format!("refresh_token:{token}")).await?)
    }

    /// Blacklists it, deletes it, takes it out of the person's set; in this order, and not at once.
    pub(super) async fn invalidate(&self, token: &str, owner: &str) -> Result<(), Fault> {
        let mut redis = self.redis.clone();
        redis.set_ex::<_, _, ()>(format!("blacklist_token:{token}"), owner, LIFE).await?;
        redis.del::<_, ()>(format!("refresh_token:{token}")).await?;
        redis.srem::<_, _, ()>(format!("user_tokens:{owner}"), token).await?;
        Ok(())
    }
}
