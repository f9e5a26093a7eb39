//! `migrate up` and `migrate status`.

use std::io::{self, Write as _};
use std::process::ExitCode;

use db::migrate::{self, Status};

use super::short::with_database;
use crate::config::{self, Inputs, keys};

pub(super) const UP: &str = "\
Apply what is missing; `serve` does the same when it starts.

Migrations only ever add, wait for no lock longer than 25 ms at a time, and may run beside old services and from many \
machines at once. The role in DATABASE_URL must own the tables and may create roles; `serve` then needs less.";

pub(super) const STATUS: &str = "\
Say what is applied and what is missing; changes nothing.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform migrate status
  DATABASE_URL=postgres://owner@db.internal/pyairtable pyairtable-platform migrate up

Exit codes:
  0  done
  1  not possible; standard error says why
  2  used wrongly";

/// The keys these commands use; what is wrong with others is no concern of theirs.
const USED: &[&str] = &[
    keys::CONFIG_FILE,
    keys::ENVIRONMENT,
    keys::PLATFORM_DATA_DIR,
    keys::DATABASE_URL,
    keys::PG_BINDIR,
    keys::LOG_LEVEL,
];

pub(super) fn up(inputs: &Inputs) -> anyhow::Result<ExitCode> {
    let command = "migrate up";
    with_database(&config::load(inputs), USED, command, async |_, opened| {
        let applied = migrate::up(&opened.url).await?;
        let mut out = io::stdout().lock();
        for Status { version, name, .. } in &applied {
            writeln!(out, "applied  {version}  {name}")?;
        }
        let all = migrate::MIGRATIONS.len();
        writeln!(out, "{} applied now, {} before", applied.len(), all - applied.len())?;
        Ok(())
    })
}

pub(super) fn status(inputs: &Inputs) -> anyhow::Result<ExitCode> {
    let command = "migrate status";
    with_database(&config::load(inputs), USED, command, async |_, opened| {
        let all = migrate::status(&opened.url).await?;
        let mut out = io::stdout().lock();
        for Status { version, name, applied_at } in &all {
            let state = applied_at.map_or_else(|| "pending".to_owned(), |at| format!("applied {at:.0}"));
            writeln!(out, "{version:>3}  {name:<16}  {state}")?;
        }
        let pending = all.iter().filter(|one| one.applied_at.is_none()).count();
        writeln!(out, "{} applied, {pending} pending", all.len() - pending)?;
        Ok(())
    })
}
