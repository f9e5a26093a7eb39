//! `cutover rehearse`: the take-over tried out on one machine. Only in builds with the feature `rehearsal`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use cutover::Exit;
use rehearsal::scenario::{self, Options};
use testkit::legacy::generate::PASSWORDS;

use super::arguments::RehearseArgs;
use super::print_json;
use crate::command;
use crate::command::arguments::inputs;
use crate::config;

pub(super) const ABOUT: &str = "\
Try the whole take-over out on this machine, under load, with a fault on the way.

Starts PostgreSQL, Redis, stand-ins for the old services on generated rows, and a gateway; sends reads and writes through it \
and writes down what is acknowledged; takes everything over by the same commands as a real deployment; kills this program at \
10 %, so that traffic goes back by itself; takes over again; and looks in the tables for everything that was acknowledged.

The last line counts. Requests harmed by the fault itself, until the traffic was back, are counted apart.";

pub(super) const AFTER_HELP: &str = "\
Exit codes:
  0  nothing failed, nothing was lost, nothing was done twice
  1  it could not be carried out; standard error says why
  7  something failed, was lost or was done twice";

pub(super) fn run(arguments: &RehearseArgs) -> anyhow::Result<Exit> {
    let RehearseArgs { users, rate, hold, dir, json } = arguments;
    let program = std::env::current_exe().context("where this program is")?;
    let thrown_away = std::env::temp_dir().join(format!("pyairtable-rehearsal-{}", std::process::id()));
    let folder: PathBuf = dir.clone().unwrap_or_else(|| thrown_away.clone());
    let options = Options {
        program,
        folder: std::path::absolute(&folder).context("the folder")?,
        people: *users,
        per_second: *rate,
        hold: Duration::from_secs(*hold),
        path: config::load(&inputs(None, Vec::new())).config.path,
        // Those that cost little to verify.
        passwords: PASSWORDS
            .iter()
            .filter(|(_, hash)| hash.contains("$04$"))
            .map(|(password, hash)| ((*password).to_owned(), (*hash).to_owned()))
            .collect(),
    };
    let outcome = command::runtime(2)?.block_on(scenario::rehearse(options));
    if dir.is_none() {
        let _ = std::fs::remove_dir_all(&thrown_away);
    }
    let outcome = outcome?;
    if *json {
        print_json(&outcome.to_json())?;
    } else {
        writeln!(io::stdout().lock(), "{outcome}")?;
    }
    Ok(if outcome.is_clean() { Exit::Done } else { Exit::Differs })
}
