//! Configuration: read once, understood completely, all that is wrong with it reported at once.
//!
//! Invariants:
//! - No other part of the program reads the environment.
//! - A secret is [`Redacted`] from the moment it is understood; what is shown of the configuration never contains one.

pub(crate) mod keys;
mod parse;
mod sources;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use db::DatabaseUrl;
use db::local::{Durability, Options};
use kernel::{Redacted, TrustedProxies};
use notifications::{MailConfig, MailSender, MailServer, MailTransport};
use serde::Serialize;
use web::Limits;

use self::parse::Wrong;
pub use self::sources::Inputs;
use self::sources::Merged;
use crate::finding::Finding;

/// Where the program runs, and with it how much it forgives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Somebody's own machine.
    Development,
    /// Other people's data.
    Production,
    /// A test run.
    Test,
}

/// The least important lines that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// And what should be looked at.
    Warn,
    /// And one line a request.
    Info,
    /// And queries with their duration.
    Debug,
    /// And everything else of this program.
    Trace,
}

/// Where the data is.
#[derive(Debug, Clone)]
pub enum Database {
    /// A private PostgreSQL in this directory.
    Local(PathBuf),
    /// A server somebody else runs.
    Server(Box<DatabaseUrl>),
}

/// How to reach Redis.
#[derive(Clone)]
pub struct RedisServer(redis::ConnectionInfo);

impl RedisServer {
    /// A client; nothing is connected yet.
    pub fn client(&self) -> redis::RedisResult<redis::Client> {
        redis::Client::open(self.0.clone())
    }
}

impl std::fmt::Display for RedisServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&parse::show_redis(&self.0))
    }
}

impl std::fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// How mails leave.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// `SMTP_URL`
    pub server: Option<MailServer>,
    /// `MAIL_FROM`
    pub from: Option<MailSender>,
    /// `MAIL_DELIVER`; as with webhooks.
    pub deliver: bool,
    /// `INVITATION_URL`
    pub invitation_url: Option<String>,
}

/// Everything the program can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// `ENVIRONMENT`
    pub environment: Environment,
    /// `BIND_ADDRESS` and `PORT`: what everybody talks to.
    pub public: SocketAddr,
    /// `INTERNAL_BIND_ADDRESS` and `INTERNAL_PORT`: what must not be routed publicly.
    pub internal: SocketAddr,
    /// `PLATFORM_DATA_DIR`
    pub data_dir: PathBuf,
    /// `DATABASE_URL`
    pub database: Database,
    /// `PG_BINDIR`, for the local database.
    pub pg_bindir: Option<PathBuf>,
    /// `PATH`, searched for the local database's programs.
    pub path: Option<OsString>,
    /// `JWT_SECRET`
    pub jwt_secret: Option<Redacted<String>>,
    /// `INTERNAL_API_KEY`
    pub internal_api_key: Option<Redacted<String>>,
    /// `AUDIT_KEY`: signs the audit trail.
    pub audit_key: Option<Redacted<String>>,
    /// `REDIS_URL` with `REDIS_PASSWORD`
    pub redis: Option<RedisServer>,
    /// `CORS_ORIGINS`, those that can be used.
    pub cors_origins: Vec<String>,
    /// `TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// `LEGACY_COEXISTENCE`
    pub legacy_coexistence: bool,
    /// `RATE_LIMIT_AUTH` and its like: requests a minute; 0 is no limit.
    pub limits: Limits,
    /// `RATE_LIMIT_AUTH_FAILURES`: wrong passwords for one account from one address in a quarter of an hour.
    pub auth_failures: u16,
    /// `WEBHOOKS_DELIVER`; not beside old services, whose changes are no events, unless told.
    pub webhooks_deliver: bool,
    /// `WEBHOOKS_ALLOW_PRIVATE`
    pub webhooks_allow_private: bool,
    /// Mail.
    pub mail: MailSettings,
    /// `LOG_LEVEL`
    pub log_level: LogLevel,
}

impl Config {
    /// Whether other people's data is at stake.
    pub fn is_production(&self) -> bool {
        self.environment == Environment::Production
    }

    /// How mails leave, if they do. Without a server, whoever develops finds them as files.
    pub(crate) fn mail(&self) -> Option<MailConfig> {
        let MailSettings { server, from, deliver, invitation_url } = self.mail.clone();
        let (transport, from) = match (server, &self.database) {
            (Some(server), _) => (MailTransport::Server(Box::new(server)), from?),
            (None, Database::Local(_)) => {
                let developing = || notifications::mail_sender(DEVELOPER).ok();
                (MailTransport::Files(self.data_dir.join("mail")), from.or_else(developing)?)
            }
            (None, Database::Server(_)) => return None,
        };
        deliver.then_some(MailConfig { transport, from, invitation_url })
    }

    /// How to run the local database in `directory`.
    pub(crate) fn local_options(&self, directory: &std::path::Path) -> Options {
        Options {
            bindir: self.pg_bindir.clone(),
            search_path: self.path.clone(),
            ..Options::new(directory, Durability::Durable)
        }
    }
}

/// Whom mails come from that go nowhere.
const DEVELOPER: &str = "PyAirtable <no-reply@localhost>";

/// One key as it takes effect.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The environment name.
    pub key: &'static str,
    /// The value; of a secret only whether there is one.
    pub value: String,
    /// Default, file, environment or flag.
    pub source: String,
}

/// The configuration as far as it could be understood, and all that is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// With defaults in the place of what could not be understood: for looking on, not for serving.
    pub config: Config,
    /// What takes effect and where it came from.
    pub entries: Vec<Entry>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The keys whose value could not be understood; nothing more needs to be said about them.
    pub(crate) broken: BTreeSet<&'static str>,
}

/// Reads the configuration.
pub fn load(inputs: &Inputs) -> Loaded {
    let mut findings = Vec::new();
    let merged = sources::merge(inputs, &mut findings);
    let broken = merged.unreadable.clone();
    let mut reader = Reader { merged, findings, entries: Vec::new(), broken };

    // Whoever misspells `production` is still told all that production would refuse.
    let environment = reader.read(keys::ENVIRONMENT, parse::environment).unwrap_or(Environment::Production);
    let all = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let public_address = reader.read(keys::BIND_ADDRESS, parse::address).unwrap_or(all);
    let public_port = reader.read(keys::PORT, parse::port).unwrap_or(0);
    let internal_address = reader.read(keys::INTERNAL_BIND_ADDRESS, parse::address).unwrap_or(here);
    let internal_port = reader.read(keys::INTERNAL_PORT, parse::port).unwrap_or(0);
    let data_dir = reader.read(keys::PLATFORM_DATA_DIR, as_is).map_or_else(|| PathBuf::from("./data"), PathBuf::from);
    let database = reader.database().unwrap_or_else(|| Database::Local(data_dir.clone()));
    let pg_bindir = reader.read(keys::PG_BINDIR, as_is).map(PathBuf::from);
    let jwt_secret = reader.secret(keys::JWT_SECRET);
    let internal_api_key = reader.secret(keys::INTERNAL_API_KEY);
    let audit_key = reader.secret(keys::AUDIT_KEY);
    let redis = reader.redis();
    let cors_origins = reader.origins(environment == Environment::Production);
    let trusted_proxies = reader.read(keys::TRUSTED_PROXIES, parse::proxies).unwrap_or_default();
    let legacy_coexistence = reader.read(keys::LEGACY_COEXISTENCE, parse::boolean).unwrap_or(false);
    let limits = Limits {
        auth: reader.read(keys::RATE_LIMIT_AUTH, parse::rate).unwrap_or(60),
        users: reader.read(keys::RATE_LIMIT_USERS, parse::rate).unwrap_or(100),
        workspaces: reader.read(keys::RATE_LIMIT_WORKSPACES, parse::rate).unwrap_or(50),
        notifications: reader.read(keys::RATE_LIMIT_NOTIFICATIONS, parse::rate).unwrap_or(200),
    };
    let auth_failures = reader.read(keys::RATE_LIMIT_AUTH_FAILURES, parse::failures).unwrap_or(10);
    let webhooks_deliver = reader.read(keys::WEBHOOKS_DELIVER, parse::boolean).unwrap_or(!legacy_coexistence);
    let webhooks_allow_private = reader.read(keys::WEBHOOKS_ALLOW_PRIVATE, parse::boolean).unwrap_or(false);
    let mail = MailSettings {
        server: reader.mail_server(),
        from: reader.read(keys::MAIL_FROM, parse::mail_sender),
        deliver: reader.read(keys::MAIL_DELIVER, parse::boolean).unwrap_or(!legacy_coexistence),
        invitation_url: reader.read(keys::INVITATION_URL, parse::invitation_url),
    };
    let log_level = reader.read(keys::LOG_LEVEL, parse::log_level).unwrap_or(LogLevel::Info);

    let Reader { findings, mut entries, broken, .. } = reader;
    let place = |entry: &Entry| keys::KEYS.iter().position(|key| key.name == entry.key);
    entries.sort_by_key(place);
    let config = Config {
        environment,
        public: SocketAddr::new(public_address, public_port),
        internal: SocketAddr::new(internal_address, internal_port),
        data_dir,
        database,
        pg_bindir,
        path: inputs.environment.get(&OsString::from("PATH")).cloned(),
        jwt_secret,
        internal_api_key,
        audit_key,
        redis,
        cors_origins,
        trusted_proxies,
        legacy_coexistence,
        limits,
        auth_failures,
        webhooks_deliver,
        webhooks_allow_private,
        mail,
        log_level,
    };
    Loaded { config, entries, findings, broken }
}

#[expect(clippy::unnecessary_wraps, reason = "has the shape of the other parsers")]
fn as_is(text: &str) -> Result<String, Wrong> {
    Ok(text.to_owned())
}

struct Reader {
    merged: Merged,
    findings: Vec<Finding>,
    entries: Vec<Entry>,
    broken: BTreeSet<&'static str>,
}

const REDACTED: &str = "[redacted]";

impl Reader {
    /// A value that may be shown.
    fn read<T>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, Wrong>) -> Option<T> {
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set)");
            return None;
        };
        let value = parse(&text);
        self.entries.push(Entry { key, value: text.escape_debug().to_string(), source });
        self.checked(key, value)
    }

    fn secret(&mut self, key: &'static str) -> Option<Redacted<String>> {
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set)");
            return None;
        };
        self.entries.push(Entry { key, value: REDACTED.to_owned(), source });
        Some(text.into())
    }

    fn database(&mut self) -> Option<Database> {
        let key = keys::DATABASE_URL;
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set: local database in PLATFORM_DATA_DIR)");
            return None;
        };
        let value = parse::database(&text);
        let shown = match &value {
            Ok(Database::Server(url)) => url.to_string(),
            Ok(Database::Local(directory)) => format!("local:{}", directory.display()),
            Err(_) => REDACTED.to_owned(),
        };
        self.entries.push(Entry { key, value: shown, source });
        self.checked(key, value)
    }

    fn redis(&mut self) -> Option<RedisServer> {
        let password = self.secret(keys::REDIS_PASSWORD);
        let key = keys::REDIS_URL;
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set)");
            if password.is_some() {
                let message = "it is set, but REDIS_URL is not: Redis is not used";
                self.findings.push(Finding::warning(keys::REDIS_PASSWORD, message, "set REDIS_URL, or unset it"));
            }
            return None;
        };
        let value = parse::redis(&text, password.as_ref());
        let shown = value.as_ref().map_or_else(|_| REDACTED.to_owned(), ToString::to_string);
        self.entries.push(Entry { key, value: shown, source });
        let server = self.checked(key, value)?;
        if let Some(password) = password
            && server.0.redis_settings().password() != Some(password.expose())
        {
            self.findings.push(Finding::warning(
                keys::REDIS_PASSWORD,
                "REDIS_URL has another password, which is the one used",
                "keep the password in one of the two",
            ));
        }
        Some(server)
    }

    fn mail_server(&mut self) -> Option<MailServer> {
        let key = keys::SMTP_URL;
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set)");
            return None;
        };
        let value = parse::mail_server(&text.into());
        let shown = value.as_ref().map_or_else(|_| REDACTED.to_owned(), ToString::to_string);
        self.entries.push(Entry { key, value: shown, source });
        self.checked(key, value)
    }

    fn origins(&mut self, production: bool) -> Vec<String> {
        let key = keys::CORS_ORIGINS;
        let Some((text, source)) = self.merged.get(key) else {
            self.unset(key, "(not set)");
            return Vec::new();
        };
        self.entries.push(Entry { key, value: text.escape_debug().to_string(), source });
        let (good, bad) = parse::origins(&text);
        for (origin, Wrong { message, remedy }) in bad {
            let message = format!("the entry `{}` is not used: {message}", origin.escape_debug());
            self.findings.push(Finding::grave(production, key, message, remedy));
        }
        good
    }

    fn checked<T>(&mut self, key: &'static str, value: Result<T, Wrong>) -> Option<T> {
        value
            .map_err(|Wrong { message, remedy }| {
                self.broken.insert(key);
                self.findings.push(Finding::problem(key, message, remedy));
            })
            .ok()
    }

    fn unset(&mut self, key: &'static str, value: &'static str) {
        let value = if self.broken.contains(key) { "(unusable)" } else { value };
        self.entries.push(Entry { key, value: value.to_owned(), source: String::new() });
    }
}
