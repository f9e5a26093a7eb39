//! `gateway drive haproxy`: a process beside HAProxy that takes the same commands as the gateway.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use gateway::control::socket;
use gateway::haproxy::guard::Orders;
use gateway::haproxy::weights::Weights;
use gateway::haproxy::{Driver, Measure, Mode, Parts};
use kernel::SystemClock;
use web::server::shutdown_signal;

use super::arguments::{DriveArgs, WeightArgs};
use super::serve::{Text, read, routes, tell};
use crate::command::arguments::inputs;
use crate::command::short::in_the_way;
use crate::{command, config, logging};

pub(super) const ABOUT: &str = "\
Hold the shares of a running HAProxy until SIGTERM or Ctrl-C.

Takes the same commands as the gateway (status, set, return, freeze, thaw, confirm) on the same control socket, with the \
same leases, and puts them in force through HAProxy's runtime socket. What HAProxy forgets, as at a reload, is put in \
force again at once. When it starts and when it ends, the confirmed shares are in force.

With --routes HAProxy has the configuration of `gateway print haproxy`: shares are exact, people stick to their side, one \
command moves everybody, and HAProxy ends a lease by itself even if this process is killed.

With --backend HAProxy keeps a configuration of your own: the weights of servers are set. Shares go in steps of 1 in 257, \
people stick only as far as `balance` makes them, and a second process, the guard, takes a share back if this one dies.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform gateway drive haproxy --routes routes.yaml
  pyairtable-platform gateway drive haproxy --backend users=be_users --server-state /var/lib/haproxy/state
  pyairtable-platform gateway set 10% --hold --who ada --why 'first step'

Exit codes:
  0  stopped in order
  1  did not start, or the confirmed shares could not be put in force at the end; standard error says why
  2  used wrongly";

pub(super) fn run(arguments: &DriveArgs) -> anyhow::Result<ExitCode> {
    let loaded = config::load(&arguments.inputs());
    if in_the_way(&loaded, DriveArgs::USED, "gateway drive")? {
        return Ok(ExitCode::FAILURE);
    }
    let clock = Arc::new(SystemClock);
    let mode = match &arguments.routes {
        Some(file) => {
            let Some((_, table)) = routes(file, "gateway drive")? else { return Ok(ExitCode::FAILURE) };
            let file = arguments.map_file.clone().unwrap_or_else(|| arguments.map.clone().into());
            Mode::Threshold(gateway::print::threshold(&table, arguments.map.clone(), file)?)
        }
        None => Mode::Weights(weights(&arguments.weights)),
    };
    logging::start(loaded.config.log_level, clock.clone());
    let is_guarded = matches!(mode, Mode::Weights(_)) && !arguments.no_guard;
    let parts = Parts {
        address: arguments.weights.haproxy.clone(),
        mode,
        kept: arguments.state.clone(),
        clock,
        guard: is_guarded.then(|| guarded(&arguments.weights)).transpose()?,
        measure: None,
    };
    let gates = read(arguments.gates.as_deref())?;
    command::runtime(1)?.block_on(drive(arguments, parts, gates))
}

fn weights(arguments: &WeightArgs) -> Weights {
    Weights {
        backends: arguments.backend.iter().cloned().collect(),
        platform: arguments.platform_servers.clone(),
        state: arguments.server_state.clone(),
    }
}

async fn drive(arguments: &DriveArgs, mut parts: Parts, gates: Option<Text>) -> anyhow::Result<ExitCode> {
    let stop = tokio::spawn(shutdown_signal());
    let path = &arguments.socket.socket;
    // Before anything is put in force: there may be another driver.
    let control = socket::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    let stopped = |error| {
        let _ = std::fs::remove_file(path);
        anyhow!("gateway drive does not run: {error}")
    };
    if matches!(parts.mode, Mode::Threshold(_)) {
        let address = &arguments.measure.measure;
        let measure = Measure::at(address).await.map_err(|error| {
            stopped(format!(
                "cannot listen on {address} ({error}): choose another --measure, here and for gateway print"
            ))
        })?;
        parts.measure = Some(measure);
    }
    let driver = Driver::start(parts).await.map_err(|error| stopped(error.to_string()))?;
    if let Some((file, text)) = &gates
        && let Err(problems) = driver.set_gates(text)
    {
        let _ = std::fs::remove_file(path);
        tell(file, "gateway drive", &problems)?;
        return Ok(ExitCode::FAILURE);
    }
    let mut beside = vec![
        tokio::spawn(Arc::clone(&driver).serve(control)),
        tokio::spawn(Arc::clone(&driver).watch()),
        tokio::spawn(Arc::clone(&driver).measure()),
    ];
    if let Some((file, text)) = gates {
        beside.push(tokio::spawn(Arc::clone(&driver).follow_gates(file, text)));
    }
    let haproxy = arguments.weights.haproxy.to_string();
    tracing::info!(haproxy, socket = %path.display(), version = env!("CARGO_PKG_VERSION"), "the driver is ready");
    let signal = stop.await.context("waiting for signals")?.context("waiting for signals")?;
    tracing::info!(signal, "stopping");
    beside.iter().for_each(tokio::task::JoinHandle::abort);
    let stopped = driver.stop().await;
    // The next driver replaces one that is left over.
    let _ = std::fs::remove_file(path);
    stopped.context("the confirmed shares are not in force")?;
    Ok(ExitCode::SUCCESS)
}

/// A guard that takes longer to hear is stuck; going back must not wait for it.
const GUARD: Duration = Duration::from_millis(500);

type Hears = Box<dyn Fn(Orders) + Send + Sync>;

/// Starts the guard, which hears all orders from then on.
fn guarded(arguments: &WeightArgs) -> anyhow::Result<Hears> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.args(["gateway", "drive", "haproxy-guard", "--haproxy", &arguments.haproxy.to_string()]);
    command.args(["--platform-servers", &arguments.platform_servers]);
    for (family, backend) in &arguments.backend {
        command.arg("--backend").arg(format!("{family}={backend}"));
    }
    // Whoever presses Ctrl-C ends the driver, and the guard ends after it.
    command.stdin(Stdio::piped()).process_group(0);
    let (hears, orders) = mpsc::channel::<(Orders, SyncSender<()>)>();
    // A thread of its own: a guard that is stuck must not keep the driver from going back.
    std::thread::Builder::new().name("guard".to_owned()).spawn(move || pass_on(command, &orders))?;
    Ok(Box::new(move |orders| {
        let (told, is_told) = mpsc::sync_channel(1);
        let _ = hears.send((orders, told));
        if is_told.recv_timeout(GUARD).is_err() {
            tracing::error!("the guard does not hear: if this process dies, weights stay as they are");
        }
    }))
}

/// Passes orders on until there will be no more; starts another guard when one is gone.
fn pass_on(mut command: Command, orders: &Receiver<(Orders, SyncSender<()>)>) {
    let mut guard = None;
    while let Ok((orders, is_told)) = orders.recv() {
        let Ok(mut line) = serde_json::to_vec(&orders) else { continue };
        line.push(b'\n');
        for _ in 0..2 {
            if guard.is_none() {
                match command.spawn() {
                    Ok(child) => guard = Some(child),
                    Err(error) => tracing::error!(%error, "there is no guard"),
                }
            }
            let told = guard.as_mut().and_then(|guard| guard.stdin.as_mut()).map(|stdin| stdin.write_all(&line));
            if let Some(Ok(())) = told {
                let _ = is_told.send(());
                break;
            }
            if let Some(mut gone) = guard.take() {
                let _ = gone.kill();
                let _ = gone.wait();
            }
        }
    }
}

pub(super) fn guard(arguments: &WeightArgs) -> anyhow::Result<ExitCode> {
    logging::start(config::load(&inputs(None, Vec::new())).config.log_level, Arc::new(SystemClock));
    let (hears, orders) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        // The end of the lines is the end of the driver.
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if let Ok(orders) = serde_json::from_str(&line) {
                let _ = hears.send(orders);
            }
        }
    });
    command::runtime(1)?.block_on(gateway::haproxy::guard::guard(&arguments.haproxy, &weights(arguments), orders));
    Ok(ExitCode::SUCCESS)
}
