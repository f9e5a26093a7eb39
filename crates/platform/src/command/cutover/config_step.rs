//! `cutover config`

use std::io::{self, Write as _};

use cutover::Exit;
use cutover::config::{Written, collect, merge};
use serde_json::json;

use super::arguments::ConfigArgs;
use super::{exit_codes, print_json};
use crate::system::SystemRng;

pub(super) const ABOUT: &str = "\
Put the old services' environments together into the new service's.

Reads the compose file in the folder, with its variables and env_files, and the .env of each folder below. Old names \
become this program's: DB_HOST and its like become DATABASE_URL. What all services must have alike is compared: the \
secret of tokens, the database, Redis, the internal key. Secrets are shown as fingerprints only. The file is for its \
owner alone (0600), is written whole or not at all, and never silently in place of another.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover config --old ./go-services --dry-run
  pyairtable-platform cutover config --old ./go-services --take JWT_SECRET=auth-service
  docker run --env-file ./pyairtable-platform.env ...

",
    exit_codes!()
);

pub(super) fn run(arguments: &ConfigArgs) -> anyhow::Result<Exit> {
    let services = collect(&arguments.old)?;
    let merged = merge(&services, &arguments.take.iter().cloned().collect(), &SystemRng);
    let written = if arguments.dry_run { None } else { Some(merged.write(&arguments.out, arguments.replace)) };
    let shown = arguments.out.display().to_string();
    let outcome = match &written {
        _ if merged.conflicts() => "nothing was written",
        None => "nothing was written: a dry run",
        Some(Ok(Written::Written)) => "written",
        Some(Ok(Written::Unchanged)) => "unchanged",
        Some(Err(_)) => "nothing was written",
    };
    if arguments.json {
        print_json(&json!({ "merged": merged, "file": shown, "outcome": outcome }))?;
    } else {
        let mut out = io::stdout().lock();
        write!(out, "{merged}")?;
        writeln!(out, "{shown}: {outcome}")?;
    }
    match written {
        Some(done) => done.map(|_| Exit::Done).map_err(Into::into),
        None => Ok(if merged.conflicts() { Exit::Refused } else { Exit::Done }),
    }
}
