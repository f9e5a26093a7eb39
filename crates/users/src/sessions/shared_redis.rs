//! The old services' refresh tokens, in their keys and their format (contract 3.2, T-35):
//! `refresh_token:{token}` -> person, `user_tokens:{person}` -> set of tokens, `blacklist_token:{token}` -> person.
//!
//! What the old side does in several commands happens here in one script each, so that two exchanges of one token
//! cannot both succeed. A fourth key of our own remembers the successor for the grace period.

use kernel::{Redacted, UserId};
use redis::Script;
use redis::aio::ConnectionManager;

use super::{GRACE, REFRESH_LIFETIME};

pub(crate) struct RedisSessions {
    redis: ConnectionManager,
    exchange: Script,
    revoke: Script,
    revoke_all: Script,
}

const EXCHANGE: &str = r"
    local old, new, life, grace = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
    if redis.call('EXISTS', 'blacklist_token:' .. old) == 1 then
        -- Another tab may have gone further steps within the grace.
        local successor = redis.call('GET', 'pyairtable:successor:' .. old)
        for _ = 1, 30 do
            if not successor then return false end
            local person = redis.call('GET', 'refresh_token:' .. successor)
            if person then return {person, successor} end
            successor = redis.call('GET', 'pyairtable:successor:' .. successor)
        end
        return false
    end
    local person = redis.call('GET', 'refresh_token:' .. old)
    if not person then return false end
    redis.call('SET', 'blacklist_token:' .. old, person, 'EX', life)
    redis.call('DEL', 'refresh_token:' .. old)
    redis.call('SREM', 'user_tokens:' .. person, old)
    redis.call('SET', 'refresh_token:' .. new, person, 'EX', life)
    redis.call('SADD', 'user_tokens:' .. person, new)
    redis.call('EXPIRE', 'user_tokens:' .. person, life)
    redis.call('SET', 'pyairtable:successor:' .. old, new, 'EX', grace)
    return {person, new}
";

const REVOKE: &str = r"
    local token, life = ARGV[1], ARGV[2]
    local person = redis.call('GET', 'refresh_token:' .. token)
    if not person then return 0 end
    redis.call('SET', 'blacklist_token:' .. token, person, 'EX', life)
    redis.call('DEL', 'refresh_token:' .. token)
    redis.call('SREM', 'user_tokens:' .. person, token)
    return 1
";

const REVOKE_ALL: &str = r"
    local person, life = ARGV[1], ARGV[2]
    local tokens = redis.call('SMEMBERS', 'user_tokens:' .. person)
    for _, token in ipairs(tokens) do
        redis.call('SET', 'blacklist_token:' .. token, person, 'EX', life)
        redis.call('DEL', 'refresh_token:' .. token)
    end
    redis.call('DEL', 'user_tokens:' .. person)
    return #tokens
";

impl RedisSessions {
    pub(super) fn new(redis: ConnectionManager) -> Self {
        Self {
            redis,
            exchange: Script::new(EXCHANGE),
            revoke: Script::new(REVOKE),
            revoke_all: Script::new(REVOKE_ALL),
        }
    }

    /// Stores a new token of `user`.
    pub(crate) async fn issue(&self, user: UserId, token: &Redacted<String>) -> redis::RedisResult<()> {
        let life = REFRESH_LIFETIME.as_secs();
        redis::pipe()
            .atomic()
            .cmd("SET")
            .arg(format!("refresh_token:{}", token.expose()))
            .arg(user.to_string())
            .arg("EX")
            .arg(life)
            .ignore()
            .cmd("SADD")
            .arg(format!("user_tokens:{user}"))
            .arg(token.expose())
            .ignore()
            .cmd("EXPIRE")
            .arg(format!("user_tokens:{user}"))
            .arg(life)
            .ignore()
            .query_async(&mut self.redis.clone())
            .await
    }

    /// Exchanges `old` for `new`. Within the grace period an exchanged token answers with the successor it was
    /// exchanged for. `None` when it is unknown, expired or revoked.
    pub(crate) async fn exchange(
        &self,
        old: &Redacted<String>,
        new: &Redacted<String>,
    ) -> redis::RedisResult<Option<(String, Redacted<String>)>> {
        let found: Option<(String, String)> = self
            .exchange
            .arg(old.expose())
            .arg(new.expose())
            .arg(REFRESH_LIFETIME.as_secs())
            .arg(GRACE.as_secs())
            .invoke_async(&mut self.redis.clone())
            .await?;
        Ok(found.map(|(person, token)| (person, token.into())))
    }

    /// Makes one token worthless, if it exists.
    pub(crate) async fn revoke(&self, token: &str) -> redis::RedisResult<()> {
        self.revoke.arg(token).arg(REFRESH_LIFETIME.as_secs()).invoke_async(&mut self.redis.clone()).await
    }

    /// Makes all tokens of `user` worthless.
    pub(crate) async fn revoke_all(&self, user: UserId) -> redis::RedisResult<()> {
        self.revoke_all
            .arg(user.to_string())
            .arg(REFRESH_LIFETIME.as_secs())
            .invoke_async(&mut self.redis.clone())
            .await
    }
}
