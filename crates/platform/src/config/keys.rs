//! Every configuration key, once. Environment names, file keys and flags all follow from the name.

/// One configuration key.
#[derive(Debug)]
pub(crate) struct Key {
    /// The environment variable. The file's key is the same in lower case, the flag with dashes.
    pub(crate) name: &'static str,
    /// The value when nothing is given.
    pub(crate) default: Option<&'static str>,
    /// Whether `NAME_FILE` may name a file with the value. Such values are never shown.
    pub(crate) secret: bool,
}

pub(crate) const ENVIRONMENT: &str = "ENVIRONMENT";
pub(crate) const BIND_ADDRESS: &str = "BIND_ADDRESS";
pub(crate) const PORT: &str = "PORT";
pub(crate) const INTERNAL_BIND_ADDRESS: &str = "INTERNAL_BIND_ADDRESS";
pub(crate) const INTERNAL_PORT: &str = "INTERNAL_PORT";
pub(crate) const PLATFORM_DATA_DIR: &str = "PLATFORM_DATA_DIR";
pub(crate) const DATABASE_URL: &str = "DATABASE_URL";
pub(crate) const PG_BINDIR: &str = "PG_BINDIR";
pub(crate) const JWT_SECRET: &str = "JWT_SECRET";
pub(crate) const INTERNAL_API_KEY: &str = "INTERNAL_API_KEY";
pub(crate) const AUDIT_KEY: &str = "AUDIT_KEY";
pub(crate) const REDIS_URL: &str = "REDIS_URL";
pub(crate) const REDIS_PASSWORD: &str = "REDIS_PASSWORD";
pub(crate) const CORS_ORIGINS: &str = "CORS_ORIGINS";
pub(crate) const TRUSTED_PROXIES: &str = "TRUSTED_PROXIES";
pub(crate) const LEGACY_COEXISTENCE: &str = "LEGACY_COEXISTENCE";
pub(crate) const RATE_LIMIT_AUTH: &str = "RATE_LIMIT_AUTH";
pub(crate) const RATE_LIMIT_AUTH_FAILURES: &str = "RATE_LIMIT_AUTH_FAILURES";
pub(crate) const RATE_LIMIT_USERS: &str = "RATE_LIMIT_USERS";
pub(crate) const RATE_LIMIT_WORKSPACES: &str = "RATE_LIMIT_WORKSPACES";
pub(crate) const RATE_LIMIT_NOTIFICATIONS: &str = "RATE_LIMIT_NOTIFICATIONS";
pub(crate) const WEBHOOKS_DELIVER: &str = "WEBHOOKS_DELIVER";
pub(crate) const WEBHOOKS_ALLOW_PRIVATE: &str = "WEBHOOKS_ALLOW_PRIVATE";
pub(crate) const SMTP_URL: &str = "SMTP_URL";
pub(crate) const MAIL_FROM: &str = "MAIL_FROM";
pub(crate) const MAIL_DELIVER: &str = "MAIL_DELIVER";
pub(crate) const INVITATION_URL: &str = "INVITATION_URL";
pub(crate) const LOG_LEVEL: &str = "LOG_LEVEL";

/// Names the configuration file itself, so it cannot stand in it.
pub(crate) const CONFIG_FILE: &str = "CONFIG_FILE";
/// The configuration file that is read without being named.
pub(crate) const USUAL_FILE: &str = "pyairtable-platform.toml";

/// All keys, in the order they are shown.
pub(crate) const KEYS: &[Key] = &[
    plain(ENVIRONMENT, Some("development")),
    plain(BIND_ADDRESS, Some("0.0.0.0")),
    plain(PORT, Some("8080")),
    plain(INTERNAL_BIND_ADDRESS, Some("127.0.0.1")),
    plain(INTERNAL_PORT, Some("9090")),
    plain(PLATFORM_DATA_DIR, Some("./data")),
    secret(DATABASE_URL),
    plain(PG_BINDIR, None),
    secret(JWT_SECRET),
    secret(INTERNAL_API_KEY),
    secret(AUDIT_KEY),
    secret(REDIS_URL),
    secret(REDIS_PASSWORD),
    plain(CORS_ORIGINS, Some("http://localhost:3000,http://localhost:3003")),
    plain(TRUSTED_PROXIES, None),
    plain(LEGACY_COEXISTENCE, Some("false")),
    plain(RATE_LIMIT_AUTH, Some("60")),
    plain(RATE_LIMIT_AUTH_FAILURES, Some("10")),
    plain(RATE_LIMIT_USERS, Some("100")),
    plain(RATE_LIMIT_WORKSPACES, Some("50")),
    plain(RATE_LIMIT_NOTIFICATIONS, Some("200")),
    plain(WEBHOOKS_DELIVER, None),
    plain(WEBHOOKS_ALLOW_PRIVATE, Some("false")),
    secret(SMTP_URL),
    plain(MAIL_FROM, None),
    plain(MAIL_DELIVER, None),
    plain(INVITATION_URL, None),
    plain(LOG_LEVEL, Some("info")),
];

const fn plain(name: &'static str, default: Option<&'static str>) -> Key {
    Key { name, default, secret: false }
}

const fn secret(name: &'static str) -> Key {
    Key { name, default: None, secret: true }
}

/// The key that `name` stands for, and whether it names a file with the value.
pub(crate) fn find(name: &str) -> Option<(&'static Key, bool)> {
    KEYS.iter().find_map(|key| match name.strip_prefix(key.name)? {
        "" => Some((key, false)),
        "_FILE" if key.secret => Some((key, true)),
        _ => None,
    })
}

/// The name closest to a misspelt one, if any is close. `name` is in the spelling of the environment.
pub(crate) fn closest(name: &str) -> Option<String> {
    let all = KEYS.iter().flat_map(|key| {
        let file = key.secret.then(|| format!("{}_FILE", key.name));
        std::iter::once(key.name.to_owned()).chain(file)
    });
    all.map(|candidate| (strsim::jaro_winkler(&candidate, name), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::{closest, find};

    #[test]
    fn misspelt_names_are_recognised() {
        assert_eq!(closest("PROT").as_deref(), Some("PORT"));
        assert_eq!(closest("JWT_SECERT_FILE").as_deref(), Some("JWT_SECRET_FILE"));
        assert_eq!(closest("DATABASE").as_deref(), Some("DATABASE_URL"));
        assert_eq!(closest("ZEBRA"), None);
    }

    #[test]
    fn only_secrets_come_from_files() {
        assert!(find("JWT_SECRET_FILE").is_some_and(|(key, file)| key.name == "JWT_SECRET" && file));
        assert!(find("PORT_FILE").is_none());
        assert!(find("port").is_none());
    }
}
