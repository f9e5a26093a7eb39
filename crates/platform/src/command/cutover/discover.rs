//! `cutover discover`

use std::io::{self, Write as _};

use cutover::Exit;

use super::arguments::DiscoverArgs;
use super::{exit_codes, on_database, print_json};

pub(super) const ABOUT: &str = "\
Show what stands in the database; changes nothing.

Reads the catalogs, because migrations say what somebody once meant and not what is there: where the old tables are and \
in which form, rows, owners, triggers, settings, who is connected, and which of them own tables and so may change the \
schema when they start next. The fingerprint changes with any change of the schema.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover discover
  pyairtable-platform cutover discover --json | jq -r .fingerprint

",
    exit_codes!()
);

pub(super) fn run(arguments: &DiscoverArgs) -> anyhow::Result<Exit> {
    on_database(&arguments.database, "cutover discover", async |_, opened| {
        let found = cutover::discover::discover(&opened.url.connect().await?).await?;
        if arguments.json {
            print_json(&found)?;
        } else {
            io::stdout().lock().write_all(found.words().as_bytes())?;
        }
        Ok(Exit::Done)
    })
}
