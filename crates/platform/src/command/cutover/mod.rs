//! `cutover`: takes a running deployment over, step by step, and back.

mod arguments;
mod changes;
mod clean_up;
mod config_step;
mod discover;
mod full_rollback;
mod page;
mod parity;
mod preflight;
#[cfg(feature = "rehearsal")]
mod rehearse;
mod report;
mod restore;
mod run;
mod soak;
mod status;
mod verify;
mod watch;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cutover::config::Key;
use cutover::preflight::Surroundings;
use cutover::run::Tools;
use cutover::{Error, Exit};
use serde::Serialize;

pub(super) use self::arguments::CutoverCommand;
use self::arguments::CutoverCommand as Command;
use super::arguments::DatabaseArgs;
use super::short::with_database;
use crate::config::{self, Config, keys};
use crate::local::Opened;

const USED: &[&str] = &[
    keys::CONFIG_FILE,
    keys::ENVIRONMENT,
    keys::PLATFORM_DATA_DIR,
    keys::DATABASE_URL,
    keys::PG_BINDIR,
    keys::LOG_LEVEL,
];

/// The exit codes of all these commands, for their help; held against [`Exit::ALL`] by a test.
macro_rules! exit_codes {
    () => {
        "Exit codes:
  0  done
  1  failed; the same command goes on where it stopped
  2  used wrongly: an unknown command or flag
  3  refused by a check, nothing was changed; the message names the next command
  4  paused; `cutover resume` goes on
  5  rolled back
  6  another tool holds the run or the database, or took it over
  7  compared and found to differ: data, backup or journal
  8  the gateway took the traffic back by itself"
    };
}
use exit_codes;

pub(super) fn run(command: &Command) -> ExitCode {
    let done = match command {
        Command::Discover(arguments) => discover::run(arguments),
        Command::Preflight(arguments) => preflight::run(arguments),
        Command::Config(arguments) => config_step::run(arguments),
        Command::Expand(arguments) => run::run(arguments, "expand"),
        Command::Plan(arguments) => run::plan(arguments),
        Command::Run(arguments) => run::run(arguments, "run"),
        Command::Backup(arguments) => run::run(arguments, "backup"),
        Command::Soak(arguments) => soak::run(arguments),
        Command::CleanUp(arguments) => clean_up::run(arguments),
        Command::Status(arguments) => status::status(arguments),
        Command::Pause(arguments) => status::pause(arguments),
        Command::Resume(arguments) => run::resume(arguments),
        Command::Rollback(arguments) => run::roll_back(arguments),
        Command::Changes(arguments) => changes::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Parity(arguments) => parity::run(arguments),
        #[cfg(feature = "rehearsal")]
        Command::Rehearse(arguments) => rehearse::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
    };
    let exit = done.unwrap_or_else(|error| {
        if super::is_closed_pipe(&error) {
            return Exit::Done; // `... | head` has seen enough
        }
        let _ = writeln!(io::stderr(), "error: {error:#}");
        error.downcast_ref().map_or(Exit::Failed, Error::exit)
    });
    ExitCode::from(exit.code())
}

/// Does `work` on the configured database, and says how it ended.
fn on_database(
    arguments: &DatabaseArgs,
    command: &str,
    work: impl AsyncFnOnce(&Config, &Opened) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    // What is wrong with the configuration was said by then.
    let mut exit = Exit::Refused;
    with_database(&config::load(&arguments.inputs()), USED, command, async |config, opened| {
        exit = work(config, opened).await?;
        Ok(())
    })?;
    Ok(exit)
}

/// Set when somebody wants the command to stop: Ctrl-C or SIGTERM.
fn stop_on_signal() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        if web::server::shutdown_signal().await.is_ok() {
            told.store(true, Ordering::Relaxed);
        }
    });
    stop
}

fn tools(config: &Config) -> Tools {
    Tools { bindir: config.pg_bindir.clone(), search_path: config.path.clone() }
}

/// What this program is configured with, for the checks.
fn surroundings(config: &Config, opened: &Opened) -> anyhow::Result<Surroundings> {
    Ok(Surroundings {
        database_place: Key::DatabaseUrl.place(&opened.url.to_string()),
        redis: config.redis.as_ref().map(config::RedisServer::client).transpose()?,
        redis_place: config.redis.as_ref().and_then(|server| Key::RedisUrl.place(&server.to_string())),
        jwt_secret: config.jwt_secret.clone(),
        ..Surroundings::default()
    })
}

/// Says what could not be kept for the report; nothing else depends on it.
fn keep(kept: cutover::Result<()>) {
    if let Err(error) = kept {
        let _ = writeln!(io::stderr(), "not kept for the report: {error}");
    }
}

fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use cutover::Exit;

    #[test]
    fn help_tells_every_exit_code() {
        let lines: Vec<String> =
            Exit::ALL.iter().map(|(exit, meaning)| format!("  {}  {meaning}", exit.code())).collect();
        assert_eq!(exit_codes!(), format!("Exit codes:\n{}", lines.join("\n")));
    }
}
