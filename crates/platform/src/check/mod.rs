//! What `check-config` looks at, one file a concern. No check stops at its first problem, and none hides another's.
//!
//! `serve` runs the same checks, as far as they need no connection, and refuses with the same texts.

mod coexistence;
mod database;
mod isolation;
mod placement;
mod privileges;
mod redis;
mod secrets;
mod surroundings;

use crate::config::{Config, Database, Loaded, keys};
use crate::finding::{Finding, Severity};
use crate::local;

pub(crate) use database::login_role;
pub use isolation::PROTECTED;
pub use privileges::{NEEDED, Need};

/// All that can be said without connecting anywhere, for `serve`: a busy port is a problem.
pub fn before_start(loaded: &Loaded) -> Vec<Finding> {
    without_connecting(loaded, Severity::Problem)
}

/// Everything, connections included.
pub async fn everything(loaded: &Loaded) -> Vec<Finding> {
    let mut findings = without_connecting(loaded, Severity::Warning);
    let config = &loaded.config;
    if !loaded.broken.contains(keys::DATABASE_URL) {
        database(config, &mut findings).await;
    }
    if let Some(server) = &config.redis {
        findings.push(redis::check(server).await);
    }
    findings
}

fn without_connecting(loaded: &Loaded, busy_port: Severity) -> Vec<Finding> {
    let mut findings = loaded.findings.clone();
    secrets::check(loaded, &mut findings);
    placement::check(loaded, &mut findings);
    surroundings::data_dir(&loaded.config, &mut findings);
    surroundings::ports(loaded, busy_port, &mut findings);
    findings
}

async fn database(config: &Config, findings: &mut Vec<Finding>) {
    if config.is_production() && matches!(config.database, Database::Local(_)) {
        return; // refused already
    }
    let opened = match local::open(config).await {
        Ok(opened) => opened,
        Err(error) if error.is_in_use() => {
            findings.push(Finding::skipped(database::SUBJECT, format!("not looked into: {error}")));
            return;
        }
        Err(error) => {
            let remedy = "the message says how; or set DATABASE_URL to a running server";
            findings.push(Finding::problem(database::SUBJECT, error.to_string(), remedy));
            return;
        }
    };
    database::check(config, &opened, findings).await;
    if let Err(error) = opened.close().await {
        findings.push(Finding::warning(database::SUBJECT, error.to_string(), "look into its log"));
    }
}
