//! `cutover restore`

use std::io::{self, Write as _};

use cutover::backup::{Restoring, restore};
use cutover::{Error, Exit};
use kernel::{Clock as _, SystemClock};

use super::arguments::RestoreArgs;
use super::{exit_codes, on_database, print_json, stop_on_signal, tools};

pub(super) const ABOUT: &str = "\
Restore the backup into a new database, and put that in place of the present one if asked to.

Every byte of the backup is compared with its manifest first, and every table with its digest afterwards; what differs is \
dropped again. Nothing is ever restored over a database. With --replace the new one gets the present one's name, in one \
transaction, when it is known to be good; the present one is kept under a name that says so. What was written since the \
backup is in that one only.

Roles belong to the server and are not touched: roles.sql of the backup has them, without passwords.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover restore --into pyairtable_then
  pyairtable-platform cutover restore --into pyairtable_new --replace pyairtable --confirm pyairtable

",
    exit_codes!()
);

pub(super) fn run(arguments: &RestoreArgs) -> anyhow::Result<Exit> {
    let RestoreArgs { into, replace, confirm, jobs, folder, .. } = arguments;
    if replace != confirm {
        let why = "--replace and --confirm name different databases".to_owned();
        return Err(Error::Refused { why, next: "repeat the very name, if that database is meant".to_owned() }.into());
    }
    let backup = folder.folder().backup();
    if !backup.exists() {
        let why = format!("there is no backup in {}", backup.display());
        return Err(Error::Refused { why, next: "name the folder of its run with --dir".to_owned() }.into());
    }
    on_database(&arguments.database, "cutover restore", async |config, opened| {
        let stop = stop_on_signal();
        let aside =
            replace.as_ref().map(|name| format!("{name}_before_{}", SystemClock.now().strftime("%Y%m%d_%H%M%S")));
        let restoring = Restoring {
            backup: &backup,
            url: &opened.url,
            tools: &tools(config),
            into,
            replace: replace.as_deref().zip(aside.as_deref()),
            jobs: *jobs,
            stop: &stop,
        };
        let say = |what: &str| {
            let _ = writeln!(io::stderr(), "{what}");
        };
        let done = restore(&restoring, &say).await?;
        if arguments.json {
            print_json(&done)?;
        } else {
            let mut out = io::stdout().lock();
            writeln!(out, "{} holds the backup: {} tables, {} rows", done.database, done.tables, done.rows)?;
            if let Some(before) = &done.before {
                writeln!(out, "what it replaced is {before}")?;
            }
        }
        Ok(Exit::Done)
    })
}
