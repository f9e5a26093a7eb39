//! Old names and new ones.

use kernel::Redacted;
use url::Url;

use super::Service;

/// A setting of this program that the old services had too, under one name or another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Where the rows are.
    DatabaseUrl,
    /// Where refresh tokens and caches are.
    RedisUrl,
    /// What access tokens are signed with.
    JwtSecret,
    /// What services call each other with.
    InternalApiKey,
    /// Web sites that may call.
    CorsOrigins,
    /// How much is logged.
    LogLevel,
    /// Production or not.
    Environment,
}

impl Key {
    /// All of them, in the order they are written.
    pub const ALL: [Self; 7] = [
        Self::Environment,
        Self::DatabaseUrl,
        Self::RedisUrl,
        Self::JwtSecret,
        Self::InternalApiKey,
        Self::CorsOrigins,
        Self::LogLevel,
    ];

    /// What this program calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DatabaseUrl => "DATABASE_URL",
            Self::RedisUrl => "REDIS_URL",
            Self::JwtSecret => "JWT_SECRET",
            Self::InternalApiKey => "INTERNAL_API_KEY",
            Self::CorsOrigins => "CORS_ORIGINS",
            Self::LogLevel => "LOG_LEVEL",
            Self::Environment => "ENVIRONMENT",
        }
    }

    /// What the old services called it, the best first.
    const fn old_names(self) -> &'static [&'static str] {
        match self {
            Self::DatabaseUrl => &["DATABASE_URL"],
            Self::RedisUrl => &["REDIS_URL"],
            Self::JwtSecret => &["JWT_SECRET"],
            Self::InternalApiKey => &["INTERNAL_API_KEY", "API_KEY"],
            Self::CorsOrigins => &["CORS_ORIGINS", "CORS_ALLOWED_ORIGINS"],
            Self::LogLevel => &["LOG_LEVEL"],
            Self::Environment => &["ENVIRONMENT"],
        }
    }

    /// Whether it is never shown.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::DatabaseUrl | Self::RedisUrl | Self::JwtSecret | Self::InternalApiKey)
    }

    /// Whether all services must agree on it.
    pub const fn must_agree(self) -> bool {
        self.is_secret()
    }

    /// A service's value, under whichever name it has it. URLs that were given in parts are put together by
    /// [`super::collect`].
    pub fn of(self, service: &Service) -> Option<&Redacted<String>> {
        let found = self.old_names().iter().find_map(|name| service.values.get(*name));
        found.filter(|value| !value.expose().is_empty())
    }

    /// Where a URL leads, if it can be read.
    pub fn place(self, url: &str) -> Option<String> {
        Some(self.compared(url)).filter(|place| place != UNREADABLE)
    }

    /// Two values are the same if these are: of a URL only the place counts, not who asks or how.
    pub fn compared(self, value: &str) -> String {
        match self {
            Self::DatabaseUrl => place(value, 5432),
            Self::RedisUrl => place(value, 6379),
            _ => value.to_owned(),
        }
    }
}

const UNREADABLE: &str = "an address that cannot be read";

/// `host:port/path`, without anything that is secret.
fn place(url: &str, port: u16) -> String {
    let Ok(parsed) = Url::parse(url) else { return UNREADABLE.to_owned() };
    let host = match parsed.host_str().unwrap_or_default() {
        "127.0.0.1" | "[::1]" | "" => "localhost",
        other => other,
    };
    let path = parsed.path().trim_matches('/');
    if port == 6379 && parsed.host_str().is_none_or(str::is_empty) {
        // A socket: the database is a parameter, or stands behind the file's name as this program shows it.
        let said = parsed.query_pairs().find(|(key, _)| key == "db").map(|(_, number)| number.into_owned());
        let (file, number) = path.rsplit_once(".sock/").map_or((path, "0"), |(file, number)| (file, number));
        return format!("{}/{}", file.trim_end_matches(".sock"), said.as_deref().unwrap_or(number));
    }
    // Redis's database 0 need not be named.
    let path = if port == 6379 && path.is_empty() { "0" } else { path };
    format!("{host}:{}/{path}", parsed.port().unwrap_or(port))
}

/// Of the settings that are not carried over, those of which it is known why.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    ("PORT", "each old service had its own; the new one listens on 8080 unless PORT says otherwise"),
    ("JWT_TTL", "no old service read it; tokens live for 24 hours"),
    ("ADMIN_EMAIL", "had to be set and was never used"),
    ("ADMIN_PASSWORD", "had to be set and was never used"),
    ("REQUEST_TIMEOUT", "requests have 10 s"),
    ("SHUTDOWN_TIMEOUT", "a stop waits for requests by itself"),
];

#[cfg(test)]
mod tests {
    use super::Key;

    #[test]
    fn urls_are_compared_by_place() {
        let same = |key: Key, one: &str, other: &str| key.compared(one) == key.compared(other);
        let url = Key::DatabaseUrl;
        assert!(same(url, "postgres://a:b@db/x?sslmode=disable", "postgresql://c:d@db:5432/x"));
        assert!(same(url, "postgres://a@127.0.0.1/x", "postgres://a@localhost:5432/x"));
        assert!(!same(url, "postgres://a:b@db/x", "postgres://a:b@db/y"));
        assert!(!same(url, "postgres://a:b@db/x", "postgres://a:b@db:5433/x"));
        assert!(same(Key::RedisUrl, "redis://:p@r", "redis://r:6379/0"));
        assert!(!same(Key::RedisUrl, "redis://r/1", "redis://r:6379/0"));
        assert!(same(Key::RedisUrl, "redis+unix:///run/redis.sock?db=0", "redis+unix:///run/redis.sock"));
        assert!(same(Key::RedisUrl, "redis+unix:///run/redis.sock?db=2", "redis:///run/redis.sock/2"));
        assert!(!same(Key::RedisUrl, "redis+unix:///run/redis.sock?db=1", "redis+unix:///run/redis.sock/0"));
        assert!(!same(Key::RedisUrl, "redis+unix:///run/redis.sock", "redis+unix:///run/other.sock"));
        assert!(!url.compared("postgres://a:secret@db/x").contains("secret"));
    }
}
