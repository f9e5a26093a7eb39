//! Whether writes do the same: every write endpoint of the old services is replayed on two clones of the verified backup,
//! one served by them and one by this program, and after each request the *states* of the clones are compared, row by row
//! and column by column, together with the answers and the refresh tokens in Redis.
//!
//! Invariants:
//! - Nothing is written but into the clones and their own Redis. Before the first write the old services must let in
//!   somebody whose password only the clones know.
//! - A difference is noise only by the rules of [`noise`](self), meant only by the register, and otherwise reported.
//! - In the end whole tables are compared by digests: a row that differs was seen being touched, or is reported.
//! - Whatever was started ends with the tool, and clones that a killed one left are dropped by the next.
//!
//! Deliberately absent: slices. Endpoints are data ([`catalogue`]), and what rows mean is never asked, only whether both
//! sides wrote the same.

mod answers;
mod capture;
pub mod catalogue;
mod clones;
mod difference;
mod http;
mod ids;
mod noise;
mod register;
mod replay;
mod report;
mod scene;
mod services;
mod sessions;
mod sides;
mod state;
mod tables;
mod whole;

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use db::DatabaseUrl;
use kernel::{Clock, Rng};
use url::Url;

pub use self::clones::Clones;
pub use self::difference::Found;
pub use self::register::Register;
pub use self::report::{Intended, Outcome, Reach, Replayed};
pub use self::scene::Side;
pub use self::services::SERVICES;
pub use self::tables::{OWN_COLUMNS, OWN_TABLES, SHARED_TABLES};
use crate::backup::check_files;
use crate::run::{Doing, Folder, Plan, Progress, Tools};
use crate::{Error, Result, files};

/// What differs before the first request: what this program did when it started.
pub const START: &str = "(start)";

/// How the old services come to serve their clone.
#[derive(Debug, Clone)]
pub enum Old {
    /// By this command line, which a shell runs with their environment.
    Command(String),
    /// Somebody starts them, at these addresses in the order of [`SERVICES`] or all at one, within this time.
    At(Vec<Url>, Duration),
}

/// What is compared, and with what.
pub struct Options<'a> {
    /// The run, whose backup must be verified.
    pub folder: &'a Folder,
    /// The server, by the database that is taken over.
    pub url: &'a DatabaseUrl,
    /// PostgreSQL's client programs.
    pub tools: &'a Tools,
    /// This program.
    pub program: PathBuf,
    /// `PATH` for what is started.
    pub path: Option<OsString>,
    /// The old services.
    pub old: Old,
    /// Two empty Redis databases, for the old side and the new; a server of the replay's own otherwise.
    pub redis: Option<(String, String)>,
    /// What may differ.
    pub intended: Register,
    /// What rows are chosen by.
    pub seed: u64,
    /// Whether the clones stay.
    pub keep: bool,
    /// How many connections restore at once.
    pub jobs: u16,
    /// Set when it should stop.
    pub stop: &'a AtomicBool,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Where passwords and keys that only the clones know come from.
    pub rng: &'a dyn Rng,
}

/// Whoever waits for it.
pub trait Look {
    /// What comes next.
    fn says(&self, what: &str);
    /// How far it is.
    fn progress(&self, progress: &Progress);
    /// Both clones are there, and nobody serves them yet.
    fn prepared<'a>(&'a self, _: &'a Clones) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }
    /// Both sides have answered, and nothing was compared yet. The URL is the new side's Redis.
    fn answered<'a>(&'a self, _: &'a catalogue::Case, _: &'a Clones, _: &'a str) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Compares, and writes `parity.json` into the run's folder.
pub async fn compare_writes(options: &Options<'_>, look: &dyn Look) -> Result<Outcome> {
    let folder = options.folder;
    let plan = Plan::read(folder)?.ok_or_else(|| no_backup(folder))?;
    if !folder.trial().exists() || !folder.backup().exists() {
        return Err(no_backup(folder));
    }
    let _alone = alone(&folder.path().join("parity.lock"))?;
    look.says("comparing every byte of the backup with its manifest");
    let (manifest, sum) = check_files(&folder.backup())?;
    let clones = Clones::of(&plan, options.url);
    let place = folder.path().join("parity");
    std::fs::create_dir_all(&place).map_err(Error::file("create", &place))?;
    let done = replay::run(options, look, &plan, (&manifest, sum), &clones, &place).await;
    if options.keep {
        look.says(&format!("the clones stay: {} and {}", clones.old, clones.new));
    } else {
        let dropped = clones.drop_both().await;
        if done.is_ok() {
            dropped?;
        }
    }
    let outcome = done?;
    files::replace_json(&folder.path().join("parity.json"), &outcome)?;
    Ok(outcome)
}

fn no_backup(folder: &Folder) -> Error {
    let dir = folder.path().display();
    Error::refused(
        format!("there is no backup in {dir} that was restored and compared"),
        format!("make one with `pyairtable-platform cutover backup --dir {dir}`"),
    )
}

/// Two replays on one run would take each other's clones away. Ends with the file that is returned, or the process.
fn alone(path: &std::path::Path) -> Result<File> {
    let mut open = File::options();
    let file = open.create(true).truncate(false).write(true).open(path).map_err(Error::file("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::refused(
            "another comparison of writes works on this run",
            "wait for it, or end it; its clones are dropped by the next one",
        )),
        Err(TryLockError::Error(error)) => Err(Error::file("lock", path)(error)),
    }
}
