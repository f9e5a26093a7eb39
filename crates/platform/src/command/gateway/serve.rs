//! `gateway serve`: from the routes file to a listening gateway.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use gateway::control::socket;
use gateway::routes::Table;
use gateway::{Fronts, Gateway, Parts};
use kernel::SystemClock;
use tokio::sync::watch;
use web::server::shutdown_signal;

use super::arguments::ServeArgs;
use crate::command::short::in_the_way;
use crate::config::{self, Config};
use crate::system::SystemRng;
use crate::{command, logging, secrets};

pub(super) const ABOUT: &str = "\
Serve as the gateway until SIGTERM or Ctrl-C.

Stands in front of the old services and the new one. Each path family of the routes file has a share of people that the \
new side answers, nobody at first; `gateway set` changes it. Needs no database, and keeps working when everything else \
does not. Logs go to standard output, one JSON object a line.";

pub(super) const AFTER_HELP: &str = "\
A routes file:
  seed: production
  routes:
    - path: /api/v1/users/*
      legacy:
        instances: [http://user-service:8082]
        strip: /api/v1
      platform: [http://platform-1:8080, http://platform-2:8080]
    - path: /api/v1/tenants/*
      upstream: http://platform-1:8080

Examples:
  pyairtable-platform gateway serve --routes routes.yaml
  pyairtable-platform gateway set 1% --hold --who ada --why 'first step'

Exit codes:
  0  stopped in order
  1  did not start; standard error says why
  2  used wrongly";

pub(super) fn run(arguments: &ServeArgs) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&arguments.inputs());
    if in_the_way(&loaded, ServeArgs::USED, "gateway serve")? {
        return Ok(ExitCode::FAILURE);
    }
    let Some((text, table)) = routes(&arguments.routes, "gateway serve")? else { return Ok(ExitCode::FAILURE) };
    let config = &loaded.config;
    let clock = Arc::new(SystemClock);
    logging::start(config.log_level, clock.clone());
    let gateway = Gateway::new(Parts {
        table,
        jwt_secret: Some(secrets::jwt_secret(config, &SystemRng)?),
        kept: Some(arguments.state.clone()),
        fronts: fronts(config)?,
        clock,
        rng: Arc::new(SystemRng),
    })
    .context("the confirmed shares")?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    command::runtime(workers)?.block_on(serve(arguments, gateway, text))?;
    Ok(ExitCode::SUCCESS)
}

/// The routes of a file; nothing if it has mistakes, which are told then.
pub(super) fn routes(file: &Path, command: &str) -> anyhow::Result<Option<(String, Table)>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match gateway::routes::parse(&text) {
        Ok(table) => Ok(Some((text, table))),
        Err(problems) => {
            let mut out = io::stderr().lock();
            writeln!(out, "{command} does not run: {} is refused", file.display())?;
            problems.iter().try_for_each(|problem| writeln!(out, "  {problem}"))?;
            Ok(None)
        }
    }
}

fn fronts(config: &Config) -> anyhow::Result<Fronts> {
    config.trusted_proxies.to_string().parse().map_err(anyhow::Error::msg)
}

async fn serve(arguments: &ServeArgs, gateway: Arc<Gateway>, routes: String) -> anyhow::Result<()> {
    let stop = tokio::spawn(shutdown_signal());
    let bound = gateway::bind(arguments.listen).with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let path = &arguments.socket.socket;
    let control = socket::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let address = bound.local_addr()?;
    let (stopping, stopped) = watch::channel(false);
    let beside = [
        tokio::spawn(socket::serve(control, Arc::clone(&gateway))),
        tokio::spawn(Arc::clone(&gateway).look_after()),
        tokio::spawn(Arc::clone(&gateway).watch_leases()),
        tokio::spawn(Arc::clone(&gateway).follow(arguments.routes.clone(), routes)),
    ];
    let serving = tokio::spawn(bound.serve(gateway, stopped));
    tracing::info!(%address, socket = %path.display(), version = env!("CARGO_PKG_VERSION"), "the gateway is ready");
    let signal = stop.await.context("waiting for signals")?.context("waiting for signals")?;
    tracing::info!(signal, "stopping");
    let _ = stopping.send(true);
    tokio::select! {
        _ = serving => {}
        // Whoever presses Ctrl-C again does not want to wait for others.
        _ = shutdown_signal() => tracing::warn!("signalled again, requests under way are cut"),
    }
    beside.iter().for_each(tokio::task::JoinHandle::abort);
    // The next gateway replaces one that is left over.
    let _ = std::fs::remove_file(path);
    Ok(())
}
