//! The connection to Redis that everything shares.

use std::time::Duration;

use ::redis::RedisResult;
use ::redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::config::Config;

/// Requests wait for Redis, so it has little time.
const ANSWER: Duration = Duration::from_secs(1);

/// Counting requests waits no longer: it can be done without.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// Sets the connection up when one is configured. It is made when first needed and again whenever it broke, so a
/// Redis that is away does not stop the program from starting.
pub(crate) fn connect(config: &Config) -> RedisResult<Option<ConnectionManager>> {
    let Some(server) = &config.redis else { return Ok(None) };
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(ANSWER))
        .set_response_timeout(Some(ANSWER))
        .set_number_of_retries(1)
        .set_max_delay(ANSWER);
    ConnectionManager::new_lazy_with_config(server.client()?, settings).map(Some)
}
