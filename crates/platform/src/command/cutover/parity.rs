//! `cutover parity`

use std::cell::RefCell;
use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use cutover::parity::{Look, Old, Options, Register, SERVICES, compare_writes};
use cutover::run::{Progress, Watch};
use cutover::{Error, Exit};
use kernel::SystemClock;

use super::arguments::ParityArgs;
use super::watch::watch;
use super::{exit_codes, on_database, print_json, stop_on_signal, tools};
use crate::system::SystemRng;

pub(super) const ABOUT: &str = "\
Replay every write on two clones of the backup, one for each side, and compare the rows.

Restores the verified backup into two databases beside the one it is of, with the expanded schema, and starts the old \
services on one and this program on the other. Each write endpoint of the old services is sent the same requests on both \
sides: good ones, odd ones, repeated ones, and such that must be refused. After each request every row that either side \
touched is compared column by column, and the answers and refresh tokens with it. Ids that both sides made are followed \
wherever they stand; moments and salts are noise by rule; what is meant to differ stands in a register with the reason.

Nothing else is written to. Before the first write the old services must let somebody in whom only the clone lets in. Clones \
and processes are gone afterwards, whatever ends this command; clones that a killed one left, the next one drops.

The result is kept as parity.json in the run's folder, logs of both sides in its folder parity.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
The old services are started with DATABASE_URL, and DB_HOST, PGHOST and their like; REDIS_URL; JWT_SECRET; PORT_AUTH, \
PORT_USERS, PORT_WORKSPACES, PORT_TENANTS and PORT_NOTIFICATIONS, which follow each other from PORT_BASE on. An .env \
beside a service must not overrule them.

Examples:
  pyairtable-platform cutover parity --old-command './start-all.sh'
  pyairtable-platform cutover parity --old-url http://127.0.0.1:8001,http://127.0.0.1:8002,... --wait 1200
  pyairtable-platform cutover parity --old-command './start-all.sh' --intended ./intended.yaml --json

",
    exit_codes!()
);

pub(super) fn run(arguments: &ParityArgs) -> anyhow::Result<Exit> {
    let refused = |why: &str, next: &str| Error::Refused { why: why.to_owned(), next: next.to_owned() };
    let old = match &arguments.old_command {
        Some(line) => Old::Command(line.clone()),
        None if [1, SERVICES.len()].contains(&arguments.old_url.len()) => {
            Old::At(arguments.old_url.clone(), Duration::from_secs(arguments.wait))
        }
        None => {
            return Err(refused("--old-url names neither one address nor five", "see --help for their order").into());
        }
    };
    let redis = match arguments.redis.as_slice() {
        [] => None,
        [old, new] if old != new => Some((old.clone(), new.clone())),
        _ => return Err(refused("--redis must name two different databases", "write OLD,NEW").into()),
    };
    let intended = match &arguments.intended {
        None => Register::own()?,
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            Register::parse(&text)?
        }
    };
    let program = std::env::current_exe().context("where this program is")?;
    on_database(&arguments.database, "cutover parity", async |config, opened| {
        let stop = stop_on_signal();
        let (folder, tools) = (arguments.folder.folder(), tools(config));
        let options = Options {
            folder: &folder,
            url: &opened.url,
            tools: &tools,
            program,
            path: config.path.clone(),
            old,
            redis,
            intended,
            seed: arguments.seed,
            keep: arguments.keep,
            jobs: arguments.jobs,
            stop: &stop,
            clock: &SystemClock,
            rng: &SystemRng,
        };
        let watching = Watching::default();
        let outcome = compare_writes(&options, &watching).await?;
        if arguments.json {
            print_json(&outcome)?;
        } else {
            writeln!(io::stdout().lock(), "{outcome}")?;
        }
        Ok(if outcome.is_clean() { Exit::Done } else { Exit::Differs })
    })
}

/// Lines, and the same bar as of a run while requests are replayed.
#[derive(Default)]
struct Watching(RefCell<Option<Box<dyn Watch>>>);

impl Look for Watching {
    fn says(&self, what: &str) {
        self.0.take();
        let _ = writeln!(io::stderr(), "{what}");
    }

    fn progress(&self, progress: &Progress) {
        let mut watching = self.0.borrow_mut();
        let begin = || {
            let watching = watch();
            watching.begins("parity", "every write, on both sides");
            watching
        };
        watching.get_or_insert_with(begin).progress(progress);
    }
}
