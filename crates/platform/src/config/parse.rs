//! From texts to values. A text that is none is answered with what is wrong and what would be right.

use std::net::IpAddr;
use std::path::PathBuf;

use db::DatabaseUrl;
use kernel::{Redacted, TrustedProxies};
use notifications::{MailSender, MailServer};
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use url::Url;

use super::{Database, Environment, LogLevel, RedisServer};

/// What is wrong with a text, and what would be right.
pub(super) struct Wrong {
    pub(super) message: String,
    pub(super) remedy: String,
}

fn wrong<T>(message: impl Into<String>, remedy: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), remedy: remedy.into() })
}

fn not<T>(text: &str, what: &str, remedy: impl Into<String>) -> Result<T, Wrong> {
    wrong(format!("`{}` is not {what}", text.escape_debug()), remedy)
}

pub(super) fn environment(text: &str) -> Result<Environment, Wrong> {
    match text {
        "development" => Ok(Environment::Development),
        "production" => Ok(Environment::Production),
        "test" => Ok(Environment::Test),
        _ => not(text, "an environment", "set ENVIRONMENT to development, production or test"),
    }
}

pub(super) fn address(text: &str) -> Result<IpAddr, Wrong> {
    text.parse().or_else(|_| not(text, "an IP address", "use 127.0.0.1 for this machine only, 0.0.0.0 or :: for all"))
}

pub(super) fn port(text: &str) -> Result<u16, Wrong> {
    text.parse().or_else(|_| not(text, "a port", "use a number from 1 to 65535, or 0 for any free port"))
}

pub(super) fn boolean(text: &str) -> Result<bool, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => not(text, "a truth value", "use true or false"),
    }
}

pub(super) fn proxies(text: &str) -> Result<TrustedProxies, Wrong> {
    text.parse().or_else(|message: String| {
        wrong(message, "list the addresses or networks of the proxies in front, such as 10.0.0.0/8,192.0.2.7")
    })
}

pub(super) fn log_level(text: &str) -> Result<LogLevel, Wrong> {
    match text.to_ascii_lowercase().as_str() {
        "error" => Ok(LogLevel::Error),
        "warn" | "warning" => Ok(LogLevel::Warn),
        "info" => Ok(LogLevel::Info),
        "debug" => Ok(LogLevel::Debug),
        "trace" => Ok(LogLevel::Trace),
        _ => not(text, "a log level", "use error, warn, info, debug or trace"),
    }
}

/// The texts of the driver are not repeated: they quote the URL, and its password with it.
pub(super) fn database(text: &str) -> Result<Database, Wrong> {
    if let Some(directory) = text.strip_prefix("local:") {
        return match directory {
            "" => wrong("`local:` names no directory", "use local:DIR, or unset DATABASE_URL to use PLATFORM_DATA_DIR"),
            directory => Ok(Database::Local(PathBuf::from(directory))),
        };
    }
    text.parse::<DatabaseUrl>().map(|url| Database::Server(Box::new(url))).or_else(|error| {
        let detail = if error.starts_with("sslmode=") || error.starts_with("search_path=") {
            error
        } else {
            "it is no PostgreSQL URL that can be understood".to_owned()
        };
        wrong(
            detail,
            "use postgres://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full with special characters of the password \
             percent-encoded (@ is %40, / is %2F, ? is %3F, # is %23), or local:DIR",
        )
    })
}

pub(super) fn rate(text: &str) -> Result<u32, Wrong> {
    text.parse()
        .or_else(|_| wrong("it is no number of requests", "write how many a minute, such as 100, or 0 for no limit"))
}

/// Not 0: without any limit passwords could be guessed, and at 0 nobody could log in.
pub(super) fn failures(text: &str) -> Result<u16, Wrong> {
    match text.parse() {
        Ok(number @ 1..=1_000) => Ok(number),
        _ => wrong("it is no number of wrong passwords from 1 to 1000", "write how many are forgiven, such as 10"),
    }
}

pub(super) fn redis(url: &str, password: Option<&Redacted<String>>) -> Result<RedisServer, Wrong> {
    let remedy = "use redis://HOST:6379/0, with :PASSWORD@ before the host if it needs one";
    if url.starts_with("rediss:") {
        return wrong("TLS to Redis (rediss://) is not supported", "use redis:// within a private network");
    }
    let info: Result<ConnectionInfo, _> = url.into_connection_info();
    let Ok(info) = info else { return wrong("it is no Redis URL that can be understood", remedy) };
    if !info.addr().is_supported() {
        return wrong("it names a kind of connection that is not supported", remedy);
    }
    let settings = info.redis_settings().clone();
    let info = match (settings.password(), password) {
        (None, Some(password)) => info.set_redis_settings(settings.set_password(password.expose())),
        _ => info,
    };
    Ok(RedisServer(info))
}

pub(super) fn mail_server(url: &Redacted<String>) -> Result<MailServer, Wrong> {
    notifications::mail_server(url).or_else(|message| {
        wrong(
            message,
            "use smtp://USER:PASSWORD@HOST:587, or smtps:// for TLS from the start, with special characters of the \
             password percent-encoded; ?tls=opportunistic or ?tls=none allow clear text",
        )
    })
}

pub(super) fn mail_sender(text: &str) -> Result<MailSender, Wrong> {
    notifications::mail_sender(text).or_else(|message| wrong(message, "use `PyAirtable <no-reply@example.com>`"))
}

pub(super) fn invitation_url(text: &str) -> Result<String, Wrong> {
    let remedy = "use the page where invitations are accepted, such as https://app.example.com/join?token={token}";
    if !text.contains("{token}") {
        return wrong("it has no place for the {token}", remedy);
    }
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_owned()),
        _ => wrong("it is no web address", remedy),
    }
}

/// Shows everything but the password.
pub(super) fn show_redis(info: &ConnectionInfo) -> String {
    let settings = info.redis_settings();
    let user = settings.username().unwrap_or_default();
    let credentials = match settings.password() {
        Some(_) => format!("{user}:[redacted]@"),
        None if user.is_empty() => String::new(),
        None => format!("{user}@"),
    };
    let place = match info.addr() {
        ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
        ConnectionAddr::Unix(path) => path.display().to_string(),
        _ => "?".to_owned(),
    };
    format!("redis://{credentials}{place}/{}", settings.db())
}

/// The origins that can be used, and those that cannot with the reason.
pub(super) fn origins(text: &str) -> (Vec<String>, Vec<(String, Wrong)>) {
    let mut good = Vec::new();
    let mut bad = Vec::new();
    for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        match self::origin(origin) {
            Ok(origin) => good.push(origin),
            Err(reason) => bad.push((origin.to_owned(), reason)),
        }
    }
    (good, bad)
}

fn origin(text: &str) -> Result<String, Wrong> {
    let example = "write origins as browsers send them, such as https://app.example.com";
    if text == "*" {
        return wrong("it would let every web site act with its visitors' log-in", "list the web sites' origins");
    }
    // Browsers send origins in lower case and without a trailing slash.
    let lower = text.trim_end_matches('/').to_ascii_lowercase();
    let Some((_, host)) = lower.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")) else {
        return wrong("it has no http:// or https:// scheme", example);
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(plain) {
        return wrong("only a host and a port may follow the scheme", example);
    }
    Ok(lower)
}
