//! Flags for configuration keys. They are texts here: configuration understands all of them and reports all that is
//! wrong at once, whichever layer it came from.
//!
//! Secrets have no flag that takes the value: anybody on the machine could read it in the process list.

#![expect(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::invalid_html_tags,
    reason = "these comments are the texts of --help, which show what is written"
)]

use std::path::PathBuf;

use clap::Args;

use crate::config::{Inputs, keys};

type Flags<'a> = Vec<(&'static str, &'a Option<String>)>;

/// What every command that touches the database needs.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(super) struct DatabaseArgs {
    /// TOML file with any of the keys in lower case [env: CONFIG_FILE] [default: ./pyairtable-platform.toml if it
    /// exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// development, production or test; production refuses what is not safe [env: ENVIRONMENT] [default: development]
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,

    /// Where the local database and generated secrets are kept [env: PLATFORM_DATA_DIR] [default: ./data]
    #[arg(long, value_name = "DIR", visible_alias = "data-dir")]
    platform_data_dir: Option<String>,

    /// postgres://USER@HOST:5432/DATABASE?sslmode=verify-full, or local:DIR for a private PostgreSQL in DIR
    /// [env: DATABASE_URL] [default: local database in PLATFORM_DATA_DIR]
    ///
    /// A password in it shows in the process list; in --database-url-file or the environment it does not.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,

    /// File with the database URL [env: DATABASE_URL_FILE]
    #[arg(long, value_name = "FILE")]
    database_url_file: Option<String>,

    /// Directory of `postgres` and `initdb`, for the local database [env: PG_BINDIR] [default: PATH and the usual
    /// places]
    #[arg(long, value_name = "DIR")]
    pg_bindir: Option<String>,

    /// error, warn, info, debug (adds queries with their duration) or trace [env: LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// What decides where refresh tokens and which passwords are stored.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(super) struct TokenStoreArgs {
    /// Whether old services work on the same data: their formats and their Redis are then used
    /// [env: LEGACY_COEXISTENCE] [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    legacy_coexistence: Option<String>,

    /// File with the Redis URL, redis://:PASSWORD@HOST:6379/0 [env: REDIS_URL_FILE, or REDIS_URL itself]
    #[arg(long, value_name = "FILE")]
    redis_url_file: Option<String>,

    /// File with the Redis password, if the URL has none [env: REDIS_PASSWORD_FILE, or REDIS_PASSWORD itself]
    #[arg(long, value_name = "FILE")]
    redis_password_file: Option<String>,
}

/// The keys that sign.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(super) struct SecretArgs {
    /// File with the key that signs access tokens, at least 32 bytes [env: JWT_SECRET_FILE, or JWT_SECRET itself]
    /// [default: a random one kept in PLATFORM_DATA_DIR; required in production]
    #[arg(long, value_name = "FILE")]
    jwt_secret_file: Option<String>,

    /// File with the key that signs the audit trail [env: AUDIT_KEY_FILE, or AUDIT_KEY itself] [default: follows from
    /// JWT_SECRET]
    #[arg(long, value_name = "FILE")]
    audit_key_file: Option<String>,
}

/// All keys.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(super) struct EverythingArgs {
    /// Port of the API [env: PORT] [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,

    /// Address of the API [env: BIND_ADDRESS] [default: 0.0.0.0]
    #[arg(long, value_name = "ADDRESS")]
    bind_address: Option<String>,

    /// Port of the internal endpoints [env: INTERNAL_PORT] [default: 9090]
    #[arg(long, value_name = "PORT")]
    internal_port: Option<String>,

    /// Address of the internal endpoints; never route it publicly [env: INTERNAL_BIND_ADDRESS] [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    internal_bind_address: Option<String>,

    /// File with the key that services send as X-API-Key [env: INTERNAL_API_KEY_FILE, or INTERNAL_API_KEY itself]
    #[arg(long, value_name = "FILE")]
    internal_api_key_file: Option<String>,

    /// Web sites whose pages may call the API, separated by commas [env: CORS_ORIGINS]
    /// [default: http://localhost:3000,http://localhost:3003]
    #[arg(long, value_name = "ORIGINS")]
    cors_origins: Option<String>,

    /// Addresses and networks of the proxies in front, separated by commas; their X-Forwarded-For is believed
    /// [env: TRUSTED_PROXIES] [default: none]
    #[arg(long, value_name = "NETWORKS")]
    trusted_proxies: Option<String>,

    /// Whether webhooks are posted to [env: WEBHOOKS_DELIVER] [default: true, but false beside old services]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    webhooks_deliver: Option<String>,

    /// Whether webhooks may use plain HTTP and lead into private networks; not in production
    /// [env: WEBHOOKS_ALLOW_PRIVATE] [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    webhooks_allow_private: Option<String>,

    /// File with the URL of the mail server [env: SMTP_URL_FILE, or SMTP_URL itself] [default: none, mails become files
    /// beside the local database]
    #[arg(long, value_name = "FILE")]
    smtp_url_file: Option<String>,

    /// Whom mails come from, such as "PyAirtable <no-reply@example.com>" [env: MAIL_FROM]
    #[arg(long, value_name = "SENDER")]
    mail_from: Option<String>,

    /// Whether mails are sent [env: MAIL_DELIVER] [default: true, but false beside old services]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    mail_deliver: Option<String>,

    /// Page where invitations are accepted, with {token} in it; without one, mails name the token alone
    /// [env: INVITATION_URL]
    #[arg(long, value_name = "URL")]
    invitation_url: Option<String>,

    #[command(flatten)]
    secrets: SecretArgs,

    #[command(flatten)]
    token_store: TokenStoreArgs,

    #[command(flatten)]
    database: DatabaseArgs,
}

impl DatabaseArgs {
    fn flags(&self) -> Flags<'_> {
        vec![
            (keys::ENVIRONMENT, &self.environment),
            (keys::PLATFORM_DATA_DIR, &self.platform_data_dir),
            (keys::DATABASE_URL, &self.database_url),
            ("DATABASE_URL_FILE", &self.database_url_file),
            (keys::PG_BINDIR, &self.pg_bindir),
            (keys::LOG_LEVEL, &self.log_level),
        ]
    }

    pub(super) fn inputs(&self) -> Inputs {
        inputs(self.config.clone(), self.flags())
    }
}

impl TokenStoreArgs {
    fn flags(&self) -> Flags<'_> {
        vec![
            (keys::LEGACY_COEXISTENCE, &self.legacy_coexistence),
            ("REDIS_URL_FILE", &self.redis_url_file),
            ("REDIS_PASSWORD_FILE", &self.redis_password_file),
        ]
    }

    pub(super) fn and(&self, secrets: &SecretArgs, database: &DatabaseArgs) -> Inputs {
        inputs(database.config.clone(), [self.flags(), secrets.flags(), database.flags()].concat())
    }
}

impl SecretArgs {
    pub(super) fn and(&self, database: &DatabaseArgs) -> Inputs {
        inputs(database.config.clone(), [self.flags(), database.flags()].concat())
    }

    fn flags(&self) -> Flags<'_> {
        vec![("JWT_SECRET_FILE", &self.jwt_secret_file), ("AUDIT_KEY_FILE", &self.audit_key_file)]
    }
}

impl EverythingArgs {
    pub(super) fn inputs(&self) -> Inputs {
        let own = vec![
            (keys::PORT, &self.port),
            (keys::BIND_ADDRESS, &self.bind_address),
            (keys::INTERNAL_PORT, &self.internal_port),
            (keys::INTERNAL_BIND_ADDRESS, &self.internal_bind_address),
            ("INTERNAL_API_KEY_FILE", &self.internal_api_key_file),
            (keys::CORS_ORIGINS, &self.cors_origins),
            (keys::TRUSTED_PROXIES, &self.trusted_proxies),
            (keys::WEBHOOKS_DELIVER, &self.webhooks_deliver),
            (keys::WEBHOOKS_ALLOW_PRIVATE, &self.webhooks_allow_private),
            ("SMTP_URL_FILE", &self.smtp_url_file),
            (keys::MAIL_FROM, &self.mail_from),
            (keys::MAIL_DELIVER, &self.mail_deliver),
            (keys::INVITATION_URL, &self.invitation_url),
        ];
        let others = [self.secrets.flags(), self.token_store.flags(), self.database.flags()].concat();
        inputs(self.database.config.clone(), [own, others].concat())
    }
}

pub(super) fn inputs(config_file: Option<PathBuf>, flags: Flags<'_>) -> Inputs {
    let flags = flags.into_iter().filter_map(|(key, text)| Some((key, text.clone()?))).collect();
    Inputs { flags, config_file, ..Inputs::of_process() }
}
