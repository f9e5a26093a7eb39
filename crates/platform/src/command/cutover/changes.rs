//! `cutover changes`: what the change log has, for whoever looks for the moment before something went wrong.

use std::io::{self, Write as _};

use cutover::capture::{self, Logged};
use cutover::{Error, Exit};
use serde_json::json;

use super::arguments::ChangesArgs;
use super::{exit_codes, on_database, print_json};

pub(super) const ABOUT: &str = "\
Show the newest changes of the old services' tables, and how large the change log is; changes nothing.

The log is written by triggers that a run installs before its backup. Each line has the number of a change, which `rollback \
--full --until` takes, its time, the table, the key of the row, and the name of the program that made it. Values of rows are \
not shown.

With --stop the triggers and the log are removed, a table at a time and without keeping anybody waiting. The full rollback \
goes with them.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover changes --table users --last 50
  pyairtable-platform cutover changes --before 2026-03-01T12:00:00Z

",
    exit_codes!()
);

pub(super) fn run(arguments: &ChangesArgs) -> anyhow::Result<Exit> {
    let ChangesArgs { table, before, last, stop, confirm, json, database } = arguments;
    on_database(database, "cutover changes", async |_, opened| {
        let client = opened.url.connect().await?;
        if *stop {
            let name: String = client.query_one("SELECT current_database()::text", &[]).await?.get(0);
            if confirm.as_ref() != Some(&name) {
                let why = format!("without the change log of {name} there is no full rollback");
                return Err(Error::Refused { why, next: format!("add --confirm {name}, if that is meant") }.into());
            }
            capture::remove(&client, &opened.url.connect().await?).await?;
            writeln!(io::stdout().lock(), "changes of {name} are no longer written down, and the log is gone")?;
            return Ok(Exit::Done);
        }
        let summary = capture::summary(&client).await?;
        let changes = capture::newest(&client, table.as_deref(), *before, *last).await?;
        if *json {
            print_json(&json!({ "log": summary, "changes": changes }))?;
            return Ok(Exit::Done);
        }
        let mut out = io::stdout().lock();
        for Logged { id, at, table, operation, key, application } in changes.iter().rev() {
            let key = key.join(" ");
            let by = if application.is_empty() { "(no name)" } else { application };
            writeln!(out, "{id:>10}  {at:.3}  {operation:<8}  {table}  {key}  by {by}")?;
        }
        writeln!(out, "about {} changes, {} MB", summary.changes, summary.bytes >> 20)?;
        Ok(Exit::Done)
    })
}
