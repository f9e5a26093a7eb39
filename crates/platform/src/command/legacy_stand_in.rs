//! `legacy-stand-in`: the old services' stand-ins on ports of this machine. Only in builds with the feature of that name.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use kernel::{Clock as _, SystemClock};
use testkit::legacy::generate::{Plan, fill};
use testkit::legacy::layouts::Layout;
use testkit::legacy::{Config, Legacy};
use web::server::shutdown_signal;

use crate::command;
use crate::system::SystemRng;

pub(super) const ABOUT: &str = "\
Serve stand-ins for the old services, to try this program beside them.

An empty database is first given the tables that the old services may have left, and rows if asked for. Run the program \
on the same database, Redis and secret with LEGACY_COEXISTENCE=true to have both sides at work at once.";

/// Whose rows are made alike.
const SEED: u64 = 7;
/// What the old services were configured with.
const CONNECTIONS: usize = 25;

/// The command's flags. Unlike this program's own, secrets may stand here: nothing of it is real.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where the tables are, or will be; without TLS
    #[arg(long, value_name = "URL")]
    database_url: tokio_postgres::Config,

    /// The Redis both sides share
    #[arg(long, value_name = "URL")]
    redis_url: String,

    /// The key of access tokens
    #[arg(long, value_name = "SECRET")]
    jwt_secret: String,

    /// Where the tables stand and who made them: public, orm, schemas, databases, view, tokyo, widened or
    /// draft-tenants
    #[arg(long, value_name = "LAYOUT", default_value = "public", value_parser = layout)]
    layout: Layout,

    /// Ports from this one on: auth, users, workspaces, tenants, notifications
    #[arg(long, value_name = "PORT", default_value_t = 8181)]
    port_base: u16,

    /// Make so many people, and what belongs to them, if the database was empty
    #[arg(long, value_name = "PEOPLE", default_value_t = 0)]
    generate: u32,

    /// Let auth-service's /auth/me and /auth/change-password work as they were meant to
    #[arg(long)]
    bearer: bool,
}

fn layout(name: &str) -> Result<Layout, String> {
    Layout::named(name).ok_or_else(|| "no such layout".to_owned())
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    command::runtime(2)?.block_on(serve(arguments))
}

async fn serve(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let layout = arguments.layout;
    let (places, created) =
        layout.create_if_empty(&arguments.database_url).await.context("the database cannot be prepared")?;
    if created && arguments.generate > 0 {
        let plan = Plan { people: arguments.generate, seed: SEED, now: SystemClock.now() };
        let counts = fill(layout, &places, plan).await.context("rows cannot be made")?;
        writeln!(io::stdout(), "made           {counts:?}")?;
    }
    let config = Config {
        places,
        redis_url: arguments.redis_url,
        jwt_secret: arguments.jwt_secret,
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        auth_bearer: arguments.bearer,
        connections: CONNECTIONS,
    };
    let legacy = Legacy::start_at(config, Some(arguments.port_base)).await.context("the stand-ins do not start")?;
    let urls = &legacy.urls;
    let mut out = io::stdout();
    for (name, url) in [
        ("auth", &urls.auth),
        ("users", &urls.users),
        ("workspaces", &urls.workspaces),
        ("tenants", &urls.tenants),
        ("notifications", &urls.notifications),
    ] {
        writeln!(out, "{name:<13}  {url}")?;
    }
    out.flush()?;
    shutdown_signal().await?;
    Ok(ExitCode::SUCCESS)
}
