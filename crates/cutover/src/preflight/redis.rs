//! The Redis of the old services, which holds everybody's refresh tokens.

use std::collections::HashMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{Client, RedisResult};

use super::Inputs;
use super::verdict::Verdict;

const LIMIT: Duration = Duration::from_secs(2);
const REACHABLE: &str = "redis";
const PERSISTENCE: &str = "redis-persistence";
const EVICTION: &str = "redis-eviction";
const MEMORY: &str = "redis-memory";

pub(super) async fn check(inputs: &Inputs) -> Vec<Verdict> {
    let Some(client) = &inputs.surroundings.redis else {
        return vec![Verdict::stop(
            REACHABLE,
            "REDIS_URL is not set",
            "set it to the Redis of the old services: everybody's refresh tokens are there",
        )];
    };
    let remedy = "check REDIS_URL, and that the server runs and lets this machine in";
    match tokio::time::timeout(LIMIT, look(client)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => vec![Verdict::stop(REACHABLE, error.to_string(), remedy)],
        Err(_) => vec![Verdict::stop(REACHABLE, format!("no answer within {} s", LIMIT.as_secs()), remedy)],
    }
}

async fn look(client: &Client) -> RedisResult<Vec<Verdict>> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    redis::cmd("PING").query_async::<()>(&mut connection).await?;
    let info: String = redis::cmd("INFO").query_async(&mut connection).await?;
    let number = |name: &str| {
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse::<u64>().ok())
    };
    let mut found = vec![Verdict::ok(REACHABLE, "it answers")];
    let save = setting(&mut connection, "save").await;
    let aof = number("aof_enabled").unwrap_or(0) == 1;
    found.push(match save {
        Some(save) if save.is_empty() && !aof => Verdict::stop(
            PERSISTENCE,
            "nothing of it is on disk: a restart logs everybody out",
            "CONFIG SET appendonly yes, and the same in its configuration file",
        ),
        _ => Verdict::ok(
            PERSISTENCE,
            if aof { "every write is on disk" } else { "snapshots are on disk, or it cannot be asked" },
        ),
    });
    let policy = setting(&mut connection, "maxmemory-policy").await.unwrap_or_else(|| "noeviction".to_owned());
    let most = number("maxmemory").unwrap_or(0);
    found.push(if policy == "noeviction" {
        Verdict::ok(EVICTION, "nothing is thrown out")
    } else {
        Verdict::stop(
            EVICTION,
            format!("maxmemory-policy is {policy}: refresh tokens are thrown out when memory is short"),
            "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file",
        )
    });
    let used = number("used_memory").unwrap_or(0);
    found.push(if most > 0 && used * 5 > most * 4 {
        Verdict::stop(
            MEMORY,
            format!("{} of {} MB are in use", used >> 20, most >> 20),
            "raise maxmemory: when it is full, nobody can log in",
        )
    } else {
        Verdict::ok(MEMORY, format!("{} MB are in use", used >> 20))
    });
    Ok(found)
}

/// Managed servers may refuse to be asked.
async fn setting(connection: &mut MultiplexedConnection, name: &str) -> Option<String> {
    let found: RedisResult<HashMap<String, String>> =
        redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
    found.ok()?.remove(name)
}
