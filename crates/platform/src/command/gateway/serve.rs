//! `gateway serve`: from the routes file to a listening gateway.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use gateway::admin::{Admin, Token};
use gateway::control::socket;
use gateway::routes::{Problem, Table};
use gateway::{Gateway, Parts};
use kernel::SystemClock;
use tokio::sync::watch;
use web::server::shutdown_signal;

use super::arguments::ServeArgs;
use crate::command::short::in_the_way;
use crate::config;
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
    - path: /api/v1/search/*
      upstream:
        instances: [http://search:9000]
        protocol: h2c

Clients speak HTTP/1.1, or HTTP/2 with prior knowledge (h2c), on the same port; TLS ends in front. `protocol: h2c` does the \
same towards services, with trailers, as gRPC needs.

A file of gates; what it does not name is as without it (gateway gates --help says how):
  step: 3000
  class: 300
  gates:
    - metric: errors
      excess: 0.2%
    - metric: p95
      ratio: 1.3
      floor: 50ms

A register of intended differences:
  intended:
    - endpoint: GET /api/v1/users/{id}
      field: $.password_hash
      kind: missing
      reason: the old service shows it to everybody

Examples:
  pyairtable-platform gateway serve --routes routes.yaml
  pyairtable-platform gateway serve --routes routes.yaml --admin 127.0.0.1:8001
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
    let gates = read(arguments.gates.as_deref())?;
    let register = read(arguments.intended.as_deref())?;
    let config = &loaded.config;
    let clock = Arc::new(SystemClock);
    logging::start(config.log_level, clock.clone());
    let gateway = Gateway::new(Parts {
        table,
        jwt_secret: Some(secrets::jwt_secret(config, &SystemRng)?),
        kept: Some(arguments.state.clone()),
        trusted_proxies: config.trusted_proxies.clone(),
        clock,
        rng: Arc::new(SystemRng),
    })
    .context("the confirmed shares")?;
    if register.is_none() {
        gateway
            .set_register(gateway::shadow::register::BUILT_IN)
            .map_err(|problems| anyhow::anyhow!("the register that is built in: {problems:?}"))?;
    }
    let taken = [
        (&gates, gates.as_ref().map(|(_, text)| gateway.set_gates(text))),
        (&register, register.as_ref().map(|(_, text)| gateway.set_register(text))),
    ];
    for (file, taken) in taken {
        if let (Some((file, _)), Some(Err(problems))) = (file, taken) {
            tell(file, "gateway serve", &problems)?;
            return Ok(ExitCode::FAILURE);
        }
    }
    // Connections are served by threads of the gateway's own.
    command::runtime(1)?.block_on(serve(arguments, gateway, text, gates, register))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) type Text = (PathBuf, String);

/// A file that need not be there.
pub(super) fn read(file: Option<&Path>) -> anyhow::Result<Option<Text>> {
    let read = |file: &Path| {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok((file.to_owned(), text))
    };
    file.map(read).transpose()
}

/// The routes of a file; nothing if it has mistakes, which are told then.
pub(super) fn routes(file: &Path, command: &str) -> anyhow::Result<Option<(String, Table)>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match gateway::routes::parse(&text) {
        Ok(table) => Ok(Some((text, table))),
        Err(problems) => tell(file, command, &problems).map(|()| None),
    }
}

/// The admin port, if it is asked for. Whoever opens it to others has to say with which token.
async fn admin(arguments: &ServeArgs, gateway: &Arc<Gateway>) -> anyhow::Result<Option<Admin>> {
    let Some(address) = arguments.admin else { return Ok(None) };
    let is_here = address.ip().is_loopback();
    let file = match &arguments.admin_token_file {
        Some(file) => file.clone(),
        None if is_here => PathBuf::from("./pyairtable-gateway.token"),
        None => bail!("--admin {address} is open to other machines: name its token with --admin-token-file"),
    };
    let token = Token::read_or_make(&file, &SystemRng).with_context(|| format!("the token in {}", file.display()))?;
    let admin = Admin::bind(address, token, Arc::clone(gateway)).await;
    let admin = admin.with_context(|| format!("cannot listen on {address}"))?;
    let address = admin.local_addr()?;
    tracing::info!(page = %format_args!("http://{address}/"), token_file = %file.display(), "the admin port is open");
    if !is_here {
        tracing::warn!("the admin port does not speak TLS: put a proxy that does in front of it");
    }
    Ok(Some(admin))
}

pub(super) fn tell(file: &Path, command: &str, problems: &[Problem]) -> anyhow::Result<()> {
    let mut out = io::stderr().lock();
    writeln!(out, "{command} does not run: {} is refused", file.display())?;
    problems.iter().try_for_each(|problem| writeln!(out, "  {problem}"))?;
    Ok(())
}

async fn serve(
    arguments: &ServeArgs,
    gateway: Arc<Gateway>,
    routes: String,
    gates: Option<Text>,
    register: Option<Text>,
) -> anyhow::Result<()> {
    let stop = tokio::spawn(shutdown_signal());
    let bound = gateway::bind(arguments.listen).with_context(|| format!("cannot listen on {}", arguments.listen))?;
    let path = &arguments.socket.socket;
    let control = socket::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let address = bound.local_addr()?;
    let (stopping, stopped) = watch::channel(false);
    let mut beside = vec![
        tokio::spawn(socket::serve(control, Arc::clone(&gateway))),
        tokio::spawn(Arc::clone(&gateway).look_after()),
        tokio::spawn(Arc::clone(&gateway).watch_leases()),
        tokio::spawn(Arc::clone(&gateway).measure()),
        tokio::spawn(Arc::clone(&gateway).follow(arguments.routes.clone(), routes)),
    ];
    if let Some((file, text)) = gates {
        beside.push(tokio::spawn(Arc::clone(&gateway).follow_gates(file, text)));
    }
    if let Some((file, text)) = register {
        beside.push(tokio::spawn(Arc::clone(&gateway).follow_register(file, text)));
    }
    if let Some(admin) = admin(arguments, &gateway).await? {
        beside.push(tokio::spawn(admin.serve()));
    }
    let mut serving = tokio::spawn(bound.serve(gateway, stopped));
    tracing::info!(%address, socket = %path.display(), version = env!("CARGO_PKG_VERSION"), "the gateway is ready");
    let signal = tokio::select! {
        signal = stop => signal.context("waiting for signals")?.context("waiting for signals")?,
        ended = &mut serving => {
            ended.context("serving")?.context("cannot start a thread")?;
            anyhow::bail!("the gateway ended by itself");
        }
    };
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
