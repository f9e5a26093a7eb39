//! Redis as it is now.

use std::time::{Duration, Instant};

use redis::RedisResult;

use crate::config::RedisServer;
use crate::finding::Finding;

const SUBJECT: &str = "redis";
const LIMIT: Duration = Duration::from_secs(3);

pub(super) async fn check(server: &RedisServer) -> Finding {
    let remedy = "check host, port and password in REDIS_URL, and that the server runs and lets this machine in";
    let began = Instant::now();
    match tokio::time::timeout(LIMIT, version(server)).await {
        Ok(Ok(version)) => {
            Finding::ok(SUBJECT, format!("Redis {version}, answered in {} ms", began.elapsed().as_millis()))
        }
        Ok(Err(error)) => Finding::problem(SUBJECT, format!("{server} is not usable: {error}"), remedy),
        Err(_) => Finding::problem(SUBJECT, format!("{server} did not answer within {} s", LIMIT.as_secs()), remedy),
    }
}

async fn version(server: &RedisServer) -> RedisResult<String> {
    let mut connection = server.client()?.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).map(str::trim);
    Ok(version.unwrap_or("(unknown version)").to_owned())
}
