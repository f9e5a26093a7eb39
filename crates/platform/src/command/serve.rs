//! `serve`: from the configuration to ready, and from the signal back to nothing.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use db::local::LocalPostgres;
use db::{DatabaseUrl, Db, PoolLimits, migrate};
use kernel::{Clock, Ctx, Rng, SystemClock};
use notifications::SystemResolver;
use tokio::sync::watch;
use web::server::{Bound, ServerConfig, bind, shutdown_signal};

use crate::app::{self, App, Parts};
use crate::check;
use crate::config::{self, Config, Inputs};
use crate::finding::{Finding, Severity, refuse};
use crate::first_run::{self, Credentials};
use crate::local::{self, Opened};
use crate::system::SystemRng;
use crate::{command, jobs, logging, redis, secrets};

pub(super) const ABOUT: &str = "\
Serve the API until SIGTERM or Ctrl-C.

Starts the local PostgreSQL unless DATABASE_URL names a server, applies missing migrations, and then answers on PORT. \
On the first start of a local database it creates a super admin and shows the password once. Logs go to standard \
output, one JSON object a line; everything for people goes to standard error.

At SIGTERM or Ctrl-C it takes no new connections, finishes the requests it has within 10 s, and stops the local \
PostgreSQL.";

pub(super) const AFTER_HELP: &str = "\
Precedence: flags, then the environment, then the file, then defaults. Secrets are read from the environment or from \
files, never from flags; setting both NAME and NAME_FILE is refused. An empty value counts as not set.

Examples:
  pyairtable-platform serve
  pyairtable-platform serve --port 9000 --log-level debug
  DATABASE_URL_FILE=/run/secrets/database JWT_SECRET_FILE=/run/secrets/jwt \\
    pyairtable-platform serve --environment production --cors-origins https://app.example.com

Exit codes:
  0  stopped in order
  1  did not start, or could not go on; standard error and the log say why
  2  used wrongly";

/// How often the local PostgreSQL is looked at.
const WATCH: Duration = Duration::from_millis(200);

pub(super) fn run(inputs: &Inputs, began: Instant) -> anyhow::Result<ExitCode> {
    let loaded = config::load(inputs);
    let findings = check::before_start(&loaded);
    if findings.iter().any(Finding::is_problem) {
        refuse(&mut io::stderr().lock(), "serve", &findings)?;
        return Ok(ExitCode::FAILURE);
    }
    let config = loaded.config;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    logging::start(config.log_level, Arc::clone(&clock));
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        warn(finding);
    }
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let served = command::runtime(workers)?.block_on(serve(&config, clock, began));
    if let Err(error) = &served {
        tracing::error!(cause = format!("{error:#}"), "ended");
    }
    served.map(|()| ExitCode::SUCCESS)
}

fn warn(finding: &Finding) {
    tracing::warn!(subject = finding.subject, remedy = finding.remedy, "{}", finding.message);
}

async fn serve(config: &Config, clock: Arc<dyn Clock>, began: Instant) -> anyhow::Result<()> {
    // Listens from here on, so that a signal while PostgreSQL starts still stops everything in order.
    let mut stop = tokio::spawn(shutdown_signal());
    let opened = local::open(config).await?;
    let result = tokio::select! {
        result = ready(config, &opened, clock, began) => result,
        _ = &mut stop => {
            opened.close().await?;
            return Ok(());
        }
    };
    let served = match result {
        Ok(ready) => until_stopped(ready, opened.local.as_ref(), stop).await,
        Err(error) => Err(error),
    };
    let closed = opened.close().await;
    served?;
    closed?;
    Ok(())
}

/// Everything that serves.
struct Ready {
    db: Db,
    url: DatabaseUrl,
    app: App,
    public: Bound,
    internal: Bound,
    cx: Ctx,
    /// Whether webhooks are posted to.
    deliver: bool,
}

async fn ready(config: &Config, opened: &Opened, clock: Arc<dyn Clock>, began: Instant) -> anyhow::Result<Ready> {
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    migrate::up(&opened.url).await?;
    if opened.local.is_none() {
        let role = check::login_role(config, opened, &opened.url.connect().await?).await;
        match role.severity {
            Severity::Problem => bail!("{role}"),
            Severity::Warning => warn(&role),
            Severity::Ok | Severity::Skipped => {}
        }
    }
    let url = if config.legacy_coexistence { opened.url.coexisting() } else { opened.url.clone() };
    let db = Db::new(&url, PoolLimits::default(), secrets::audit_key(config, &*rng)?)?;
    let app = app::build(Parts {
        db: db.clone(),
        clock: Arc::clone(&clock),
        rng: Arc::clone(&rng),
        redis: redis::connect(config).context("REDIS_URL")?,
        redis_patience: redis::PATIENCE,
        jwt_secret: secrets::jwt_secret(config, &*rng)?,
        internal_key: config.internal_api_key.clone(),
        coexistence: config.legacy_coexistence,
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        limits: config.limits,
        auth_failures: config.auth_failures,
        webhooks_deliver: config.webhooks_deliver,
        webhooks_allow_private: config.webhooks_allow_private,
        resolver: Arc::new(SystemResolver),
        mail: config.mail(),
    })
    .map_err(anyhow::Error::msg)?;
    let cx = Ctx::system("platform", clock, rng);
    let first = match &opened.local {
        Some(_) => first_run::super_admin(&app.users, &cx).await.context("the first super admin")?,
        None => None,
    };
    if let Some(credentials) = &first {
        show(&welcome(credentials));
    }
    let public = bind(config.public).await?;
    let internal = bind(config.internal).await?;
    let (port, internal_port) = (public.local_addr().port(), internal.local_addr().port());
    let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(port, internal_port, millis, version = env!("CARGO_PKG_VERSION"), "ready");
    if command::on_a_terminal() || opened.local.is_some() {
        show(&banner(public.local_addr(), internal.local_addr()));
    }
    let deliver = config.webhooks_deliver;
    Ok(Ready { db, url, app, public, internal, cx, deliver })
}

/// Serves until a signal comes or the local PostgreSQL is gone.
async fn until_stopped(
    ready: Ready,
    local: Option<&LocalPostgres>,
    stop: tokio::task::JoinHandle<io::Result<&'static str>>,
) -> anyhow::Result<()> {
    let Ready { db, url, app, public, internal, cx, deliver } = ready;
    let (stopping, stopped) = watch::channel(false);
    let mut jobs = jobs::start(db.clone(), &app, deliver, &cx);
    // They end with the signal too: a stream would last longer than any drain.
    let streams = tokio::spawn(Arc::clone(&app.notifications).run_streams(url, cx, stopped.clone()));
    let public = tokio::spawn(public.serve(app.public, ServerConfig::default(), stopped.clone()));
    let internal = tokio::spawn(internal.serve(app.internal, ServerConfig::default(), stopped));
    let reason = tokio::select! {
        signal = stop => {
            let signal = signal.context("waiting for signals")?.context("waiting for signals")?;
            tracing::info!(signal, "stopping");
            Ok(())
        }
        log = gone(local) => Err(anyhow::anyhow!("the local PostgreSQL ended by itself; its log is {log}")),
    };
    // Both drain at the same time. A receiver that is gone has stopped already.
    let _ = stopping.send(true);
    let drained = async { tokio::join!(public, internal) };
    tokio::select! {
        _ = drained => {}
        // Whoever presses Ctrl-C again does not want to wait for others.
        _ = shutdown_signal() => tracing::warn!("signalled again, requests under way are cut"),
    }
    // What was cut is done again by whoever starts next, once its lease is over.
    jobs.abort_all();
    streams.abort();
    db.close();
    reason
}

/// Completes when the local PostgreSQL has ended, with its log file's name.
async fn gone(local: Option<&LocalPostgres>) -> String {
    let Some(local) = local else { return std::future::pending().await };
    while local.is_running() {
        tokio::time::sleep(WATCH).await;
    }
    local.log_file().display().to_string()
}

/// For people; not being able to tell them stops nothing.
fn show(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn banner(public: SocketAddr, internal: SocketAddr) -> String {
    let (public, internal) = (reachable(public), reachable(internal));
    let mut text = String::from("\nPyAirtable Platform is ready. Ctrl-C stops it.\n\n");
    for (what, where_) in [
        ("API", format!("http://{public}/api/v1")),
        ("Documentation", format!("http://{public}/docs")),
        ("Health", format!("http://{public}/health")),
        ("Internal", format!("http://{internal}/internal/health")),
    ] {
        let _ = writeln!(text, "  {what:<14} {where_}");
    }
    text.push('\n');
    text
}

fn welcome(credentials: &Credentials) -> String {
    let Credentials { email, password } = credentials;
    let password = password.expose();
    format!(
        "\nA super admin was created. This password is shown once and kept nowhere:\n\n  \
         E-mail         {email}\n  Password       {password}\n"
    )
}

/// An address to click on: nobody can connect to "all addresses".
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
