//! What replicas count together, in Redis.

use std::sync::Arc;
use std::time::Duration;

use ::redis::Script;
use ::redis::aio::ConnectionManager;
use web::{BoxFuture, Breaker, SharedCounts};

/// Counts one more, and forgets the key after a while from the first on.
const COUNT: &str = "
    local count = redis.call('INCR', KEYS[1])
    if count == 1 then
        redis.call('EXPIRE', KEYS[1], ARGV[1])
    end
    return count
";

/// Counts of requests.
pub(crate) struct RedisCounts {
    redis: ConnectionManager,
    breaker: Arc<Breaker>,
    script: Script,
}

impl RedisCounts {
    pub(crate) fn new(redis: ConnectionManager, breaker: Arc<Breaker>) -> Self {
        Self { redis, breaker, script: Script::new(COUNT) }
    }
}

impl SharedCounts for RedisCounts {
    fn count<'a>(&'a self, key: &'a str, life: Duration) -> BoxFuture<'a, Option<u32>> {
        Box::pin(async move {
            let mut redis = self.redis.clone();
            let mut invocation = self.script.key(key);
            let question = invocation.arg(life.as_secs()).invoke_async::<u32>(&mut redis);
            self.breaker.ask(question).await
        })
    }
}
