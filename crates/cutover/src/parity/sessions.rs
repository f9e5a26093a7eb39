//! What both sides keep in Redis for good: refresh tokens, in the old services' keys (T-35). Caches are not compared; they
//! end by themselves and the new side has none.

use std::collections::{BTreeMap, BTreeSet};

use redis::aio::MultiplexedConnection;

use super::difference::{Found, shown};
use super::ids::Ids;
use crate::{Error, Result};

/// How the keys begin. What follows is a token or, in the second, a person.
const KINDS: [&str; 3] = ["refresh_token:", "user_tokens:", "blacklist_token:"];
/// How many seconds two lifetimes may be apart.
const APART: i64 = 5;

/// Keys with their values in order and the seconds they still live.
type Stored = BTreeMap<String, (BTreeSet<String>, i64)>;

/// The connections, and what was told.
pub(super) struct Sessions {
    old: MultiplexedConnection,
    new: MultiplexedConnection,
    told: BTreeSet<Found>,
}

impl Sessions {
    pub(super) async fn open(old: &str, new: &str) -> Result<Self> {
        let connect = async |url: &str| -> redis::RedisResult<MultiplexedConnection> {
            redis::Client::open(url)?.get_multiplexed_async_connection().await
        };
        let (old, new) =
            (connect(old).await.map_err(|error| failed(&error))?, connect(new).await.map_err(|error| failed(&error))?);
        Ok(Self { old, new, told: BTreeSet::new() })
    }

    /// What is different; each difference once.
    pub(super) async fn compare(&mut self, ids: &Ids) -> Result<Vec<Found>> {
        let (old, new) = (stored(&mut self.old).await?, stored(&mut self.new).await?);
        let translated = |key: &str| match key.split_once(':') {
            Some((kind, rest)) => format!("{kind}:{}", ids.translated(rest)),
            None => key.to_owned(),
        };
        let old: Stored = old
            .into_iter()
            .map(|(key, (values, lives))| {
                (translated(&key), (values.iter().map(|value| ids.translated(value)).collect(), lives))
            })
            .collect();
        let mut found = Vec::new();
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let (kind, rest) = key.split_once(':').unwrap_or((key, ""));
            let mut add = |part: &str, how, one: Option<String>, other: Option<String>| {
                let field = format!("redis.{kind}{part}");
                let sample = |value: Option<String>| {
                    value.map_or_else(|| "no key".to_owned(), |value| shown(&field, Some(&value)))
                };
                let (one, other) = (sample(one), sample(other));
                found.push(Found { field, kind: how, key: vec![shown("token", Some(rest))], old: one, new: other });
            };
            let text = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(",");
            match (old.get(key), new.get(key)) {
                (Some((one, _)), None) => add("", "missing", Some(text(one)), None),
                (None, Some((other, _))) => add("", "extra", None, Some(text(other))),
                (Some((one, lives)), Some((other, other_lives))) => {
                    if one != other {
                        add(".value", "value", Some(text(one)), Some(text(other)));
                    }
                    if (lives - other_lives).abs() > APART {
                        add(".ttl", "value", Some(lives.to_string()), Some(other_lives.to_string()));
                    }
                }
                (None, None) => {}
            }
        }
        found.retain(|one| self.told.insert(one.clone()));
        Ok(found)
    }
}

async fn stored(redis: &mut MultiplexedConnection) -> Result<Stored> {
    let mut all = Stored::new();
    for kind in KINDS {
        let pattern = format!("{kind}*");
        let keys: Vec<String> =
            redis::cmd("KEYS").arg(&pattern).query_async(redis).await.map_err(|error| failed(&error))?;
        for key in keys {
            let is_set = kind == "user_tokens:";
            let command = if is_set { "SMEMBERS" } else { "GET" };
            let mut asked = redis::cmd(command);
            asked.arg(&key);
            let values: BTreeSet<String> = if is_set {
                asked.query_async(redis).await.map_err(|error| failed(&error))?
            } else {
                asked.query_async::<Option<String>>(redis).await.map_err(|error| failed(&error))?.into_iter().collect()
            };
            let lives: i64 = redis::cmd("TTL").arg(&key).query_async(redis).await.map_err(|error| failed(&error))?;
            if !values.is_empty() {
                all.insert(key, (values, lives));
            }
        }
    }
    Ok(all)
}

fn failed(error: &redis::RedisError) -> Error {
    Error::Program { program: "redis-server".to_owned(), status: "no answer".to_owned(), message: error.to_string() }
}
