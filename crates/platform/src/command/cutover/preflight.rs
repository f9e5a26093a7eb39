//! `cutover preflight`

use std::io::{self, Write as _};
use std::sync::Arc;

use cutover::Exit;
use cutover::config::collect;
use cutover::preflight::{Inputs, Limits, Surroundings, look};
use cutover::report::kept;
use kernel::{Clock as _, SystemClock};

use super::arguments::PreflightArgs;
use super::{USED, exit_codes, keep, print_json, surroundings, tools};
use crate::command::short::with_database;
use crate::config;

pub(super) const ABOUT: &str = "\
Check everything that can be known before anything is changed.

More than eighty named checks of the server and its settings, roles and rights, sessions and locks, replication, the \
schema, rows that years of old services left, Redis, the old services' environments, and this machine. Each says what \
is so and what to do about it. It reads in read-only transactions, takes no lock but that of reading, and verifies \
both itself; only what it found is kept, for the report, in the run's folder.

Rows are counted by three sessions of the server, each with at most 128 MB for hashes. After five seconds the rest is said to be \
uncounted; --thorough lets it go on.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover preflight --old ./go-services
  pyairtable-platform cutover preflight --json | jq '.checks[] | select(.severity == \"stop\")'

It ends with 3 if anything stands in the way of a take-over.

",
    exit_codes!()
);

pub(super) fn run(arguments: &PreflightArgs) -> anyhow::Result<Exit> {
    let services = arguments.old.as_deref().map(collect).transpose()?.unwrap_or_default();
    let mut exit = Exit::Refused;
    let loaded = config::load(&arguments.config.inputs());
    with_database(&loaded, USED, "cutover preflight", async |config, opened| {
        let mut limits = Limits::default();
        if arguments.thorough {
            limits.counting = None;
        }
        let inputs = Inputs {
            url: opened.url.clone(),
            surroundings: Surroundings {
                ports: vec![config.public, config.internal],
                gateway: arguments.gateway.clone(),
                ..surroundings(config, opened)?
            },
            services,
            tools: tools(config),
            backup: arguments.folder.folder().path().to_owned(),
            clock: Arc::new(SystemClock),
            limits,
        };
        let report = look(&inputs).await?;
        keep(kept::keep_preflight(&arguments.folder.folder(), SystemClock.now(), &report));
        exit = if report.ready { Exit::Done } else { Exit::Refused };
        if arguments.json {
            print_json(&report)?;
        } else {
            let next = if report.ready { "cutover backup" } else { "cutover preflight" };
            let next = arguments.folder.command(&format!("pyairtable-platform {next}"));
            let mut out = io::stdout().lock();
            writeln!(out, "{report}")?;
            writeln!(out, "next: {}{next}", if report.ready { "" } else { "do what stands behind each STOP, then " })?;
        }
        Ok(())
    })?;
    Ok(exit)
}
