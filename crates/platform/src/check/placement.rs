//! Values that are fine alone and wrong where they are used.

use db::DatabaseUrl;

use crate::config::{Config, Database, Loaded, LogLevel, keys};
use crate::finding::Finding;

/// Passwords that stand in examples and compose files.
const KNOWN_PASSWORDS: &[&str] = &[
    "postgres",
    "postgresql",
    "password",
    "passwd",
    "admin",
    "root",
    "secret",
    "changeme",
    "change-me",
    "pyairtable",
    "pyairtable_password",
    "pyairtable123",
    "test",
    "dev",
    "development",
    "123456",
    "12345678",
];

pub(super) fn check(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    if !loaded.broken.contains(keys::DATABASE_URL) {
        match &config.database {
            Database::Local(_) if config.is_production() => findings.push(Finding::problem(
                keys::DATABASE_URL,
                "production would run on the local development database, which has no backup and one machine",
                "set DATABASE_URL to the production server",
            )),
            Database::Local(_) => {}
            Database::Server(url) => server(config, url, findings),
        }
    }
    if config.legacy_coexistence && config.redis.is_none() && !loaded.broken.contains(keys::REDIS_URL) {
        findings.push(Finding::problem(
            keys::LEGACY_COEXISTENCE,
            "it needs REDIS_URL: the old services keep refresh tokens there",
            "set REDIS_URL to the Redis of the old services, or LEGACY_COEXISTENCE=false",
        ));
    }
    if config.is_production() && config.webhooks_allow_private {
        findings.push(Finding::problem(
            keys::WEBHOOKS_ALLOW_PRIVATE,
            "every tenant's admins could post into the network that this program runs in",
            "unset WEBHOOKS_ALLOW_PRIVATE; it is for trying webhooks out on one's own machine",
        ));
    }
    mail(loaded, findings);
    if config.public.port() != 0 && config.public.port() == config.internal.port() {
        findings.push(Finding::problem(
            keys::INTERNAL_PORT,
            "it is the same as PORT: internal endpoints must not be reachable publicly",
            "choose another INTERNAL_PORT",
        ));
    }
    if config.is_production() && matches!(config.log_level, LogLevel::Debug | LogLevel::Trace) {
        findings.push(Finding::warning(
            keys::LOG_LEVEL,
            "every query is logged, which costs time and space",
            "use info, unless you are looking for something",
        ));
    }
    if config.is_production() && config.cors_origins.iter().any(|origin| origin.starts_with("http://localhost")) {
        findings.push(Finding::warning(
            keys::CORS_ORIGINS,
            "web sites on visitors' own machines may act with their log-in",
            "list the origins of the deployed web sites only",
        ));
    }
    if config.is_production() && !config.internal.ip().is_loopback() {
        findings.push(Finding::warning(
            keys::INTERNAL_BIND_ADDRESS,
            "internal endpoints listen beyond this machine",
            "make sure that the network does not route INTERNAL_PORT publicly",
        ));
    }
}

fn mail(loaded: &Loaded, findings: &mut Vec<Finding>) {
    let config = &loaded.config;
    let Some(server) = &config.mail.server else { return };
    if config.mail.from.is_none() && !loaded.broken.contains(keys::MAIL_FROM) {
        findings.push(Finding::problem(
            keys::MAIL_FROM,
            "there is a mail server, but nobody whom mails come from",
            "set MAIL_FROM to an address that the server may send from, or unset SMTP_URL",
        ));
    }
    if config.is_production() && !server.encrypts() && !server.is_here() {
        findings.push(Finding::warning(
            keys::SMTP_URL,
            "mails, and the password of the server, travel in clear",
            "leave tls=none out, or use smtps://",
        ));
    }
}

fn server(config: &Config, url: &DatabaseUrl, findings: &mut Vec<Finding>) {
    if !config.is_production() {
        return;
    }
    if let Some(password) = url.password() {
        let known = KNOWN_PASSWORDS.contains(&password.expose().to_ascii_lowercase().as_str());
        if known || url.user() == Some(password.expose()) || password.expose().is_empty() {
            findings.push(Finding::problem(
                keys::DATABASE_URL,
                "its password is a well-known one",
                "give the database role a random password (`openssl rand -hex 24`) and put it here",
            ));
        }
    }
    if !url.is_on_this_host() && !url.verifies_server() {
        findings.push(Finding::warning(
            keys::DATABASE_URL,
            "the connection leaves this machine without checking whom it reaches",
            "add sslmode=verify-full, and sslrootcert=FILE if the server's authority is your own",
        ));
    }
}
