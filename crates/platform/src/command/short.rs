//! What commands share that do one thing to the database and end.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;

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
    let in_the_way: Vec<Finding> =
        loaded.findings.iter().filter(|finding| used.contains(&finding.subject)).cloned().collect();
    if in_the_way.iter().any(Finding::is_problem) {
        refuse(&mut io::stderr().lock(), command, &in_the_way)?;
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
