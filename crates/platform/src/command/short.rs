//! What commands share that do one thing to the database and end.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use kernel::SystemClock;

use crate::config::{Config, Loaded, LogLevel};
use crate::finding::{Finding, refuse};
use crate::local::{self, Opened};
use crate::{command, logging};

/// Does `work` on the configured database; the local one runs for as long as that takes. Only what is wrong with the
/// keys `used` stands in its way.
pub(super) fn with_database(
    loaded: &Loaded,
    used: &[&str],
    command: &str,
    work: impl AsyncFnOnce(&Config, &Opened) -> anyhow::Result<()>,
) -> anyhow::Result<ExitCode> {
    if in_the_way(loaded, used, command)? {
        return Ok(ExitCode::FAILURE);
    }
    let config = &loaded.config;
    // These commands speak for themselves; their log is for when something is being looked for.
    let level = if config.log_level == LogLevel::Info { LogLevel::Warn } else { config.log_level };
    logging::start_beside_results(level, Arc::new(SystemClock));
    command::runtime(1)?.block_on(async {
        let opened = local::open(config).await?;
        let done = work(config, &opened).await;
        let closed = opened.close().await;
        done?;
        closed?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Whether something is wrong with one of the keys `used`, which is then said.
pub(super) fn in_the_way(loaded: &Loaded, used: &[&str], command: &str) -> io::Result<bool> {
    let found: Vec<Finding> =
        loaded.findings.iter().filter(|finding| used.contains(&finding.subject)).cloned().collect();
    let refused = found.iter().any(Finding::is_problem);
    if refused {
        refuse(&mut io::stderr().lock(), command, &found)?;
    }
    Ok(refused)
}

/// Refuses a database that lacks a part of the schema.
pub(super) async fn migrated(opened: &Opened) -> anyhow::Result<()> {
    let all = db::migrate::status(&opened.url).await?;
    if all.iter().any(|one| one.applied_at.is_none()) {
        bail!("the database is not migrated: run `pyairtable-platform migrate up` first");
    }
    Ok(())
}
