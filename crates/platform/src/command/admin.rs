//! `admin create-super-admin`

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use db::{Db, PoolLimits};
use kernel::{Ctx, Redacted, SystemClock};
use notifications::SystemResolver;
use users::{NewSuperAdmin, UserError};

use super::short::{migrated, with_database};
use crate::config::{self, Config, Inputs, keys};
use crate::local::Opened;
use crate::system::SystemRng;
use crate::{app, redis, secrets};

pub(super) const ABOUT: &str = "\
Create a person who may do everything in all tenants.

The password is read from standard input, so that neither the process list nor the shell's history keeps it. The new \
person belongs to a tenant of their own.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform admin create-super-admin --email root@example.com --password-stdin \
    < password.txt
  openssl rand -base64 24 | tee /dev/stderr | \\
    pyairtable-platform admin create-super-admin --email root@example.com --password-stdin

Exit codes:
  0  created; standard output has the person's id
  1  not possible; standard error says why
  2  used wrongly";

const USED: &[&str] = &[
    keys::CONFIG_FILE,
    keys::ENVIRONMENT,
    keys::PLATFORM_DATA_DIR,
    keys::DATABASE_URL,
    keys::PG_BINDIR,
    keys::LOG_LEVEL,
    keys::LEGACY_COEXISTENCE,
    keys::REDIS_URL,
    keys::REDIS_PASSWORD,
    keys::JWT_SECRET,
    keys::AUDIT_KEY,
];

pub(super) fn run(inputs: &Inputs, email: String) -> anyhow::Result<ExitCode> {
    let loaded = config::load(inputs);
    let password = password()?;
    with_database(&loaded, USED, "admin create-super-admin", async |config, opened| {
        create(config, opened, email, password).await
    })
}

async fn create(config: &Config, opened: &Opened, email: String, password: Redacted<String>) -> anyhow::Result<()> {
    migrated(opened).await?;
    let cx = Ctx::system("create-super-admin", Arc::new(SystemClock), Arc::new(SystemRng));
    let parts = app::Parts {
        db: Db::new(&opened.url, PoolLimits::default(), secrets::audit_key(config, &SystemRng)?)?,
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        redis: redis::connect(config)?,
        redis_patience: redis::PATIENCE,
        // Nobody logs in here, so no token is ever signed with it.
        jwt_secret: Redacted::new(String::new()),
        internal_key: None,
        coexistence: config.legacy_coexistence,
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: Vec::new(),
        limits: config.limits,
        auth_failures: config.auth_failures,
        webhooks_deliver: false,
        webhooks_allow_private: false,
        resolver: Arc::new(SystemResolver),
        mail: None,
    };
    let app = app::build(parts).map_err(anyhow::Error::msg)?;
    let created = app.users.create_super_admin(&cx, NewSuperAdmin { email, password }).await;
    let id = created.map_err(explain)?;
    writeln!(io::stdout().lock(), "{id}")?;
    Ok(())
}

fn explain(error: UserError) -> anyhow::Error {
    match error {
        UserError::Invalid { error, detail: Some(detail) } => {
            anyhow::anyhow!("{error}: {} {}", detail.field, detail.message)
        }
        UserError::EmailTaken => anyhow::anyhow!("a person with this e-mail address exists already"),
        other => other.into(),
    }
}

fn password() -> anyhow::Result<Redacted<String>> {
    let mut input = io::stdin().lock();
    if input.is_terminal() {
        bail!("standard input is a terminal, which would show the password: pipe it in");
    }
    let mut line = String::new();
    input.read_line(&mut line).context("the password cannot be read from standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("standard input has no password in its first line");
    }
    Ok(password.to_owned().into())
}
