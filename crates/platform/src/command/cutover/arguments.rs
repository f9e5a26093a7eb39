//! The flags of `cutover`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use cutover::replay::Until;
use cutover::run::{Folder, Wishes};
use cutover::shadow::ShadowPlan;
use cutover::shift::{ShareStep, ShiftPlan};
use jiff::Timestamp;

#[cfg(feature = "rehearsal")]
use super::rehearse;
use super::{changes, clean_up, config_step, discover, parity, preflight, report, restore, run, soak, status, verify};
use crate::command::arguments::{DatabaseArgs, EverythingArgs};

#[derive(Debug, Subcommand)]
pub(in crate::command) enum CutoverCommand {
    /// Show what stands in the database; changes nothing
    #[command(long_about = discover::ABOUT, after_long_help = discover::AFTER_HELP)]
    Discover(DiscoverArgs),
    /// Check everything that can be known before anything is changed
    #[command(long_about = preflight::ABOUT, after_long_help = preflight::AFTER_HELP)]
    Preflight(Box<PreflightArgs>),
    /// Put the old services' environments together into the new service's
    #[command(long_about = config_step::ABOUT, after_long_help = config_step::AFTER_HELP)]
    Config(ConfigArgs),
    /// Do the steps up to a schema that both sides can use, while the old services go on
    #[command(long_about = run::EXPAND, after_long_help = run::AFTER_HELP)]
    Expand(RunArgs),
    /// Print every statement and call that a run would make; makes none
    #[command(long_about = run::PLAN, after_long_help = run::AFTER_HELP)]
    Plan(PlanArgs),
    /// Do every step that is not done, or go on after a stop or a crash
    #[command(long_about = run::RUN, after_long_help = run::AFTER_HELP)]
    Run(RunArgs),
    /// Do the steps up to a backup that was restored and compared
    #[command(long_about = run::BACKUP, after_long_help = run::AFTER_HELP)]
    Backup(RunArgs),
    /// Show where the run stands; needs no database and works from a second terminal
    #[command(long_about = status::STATUS, after_long_help = status::AFTER_HELP)]
    Status(StatusArgs),
    /// Have the run wait at the next possible moment
    #[command(long_about = status::PAUSE, after_long_help = status::AFTER_HELP)]
    Pause(PauseArgs),
    /// Look on while everybody is on the new side, until the clean-up is possible
    #[command(long_about = soak::ABOUT, after_long_help = soak::AFTER_HELP)]
    Soak(SoakArgs),
    /// Remove what only the old services needed, so that it can be taken back for 30 days
    #[command(name = "clean-up", long_about = clean_up::ABOUT, after_long_help = clean_up::AFTER_HELP)]
    CleanUp(CleanUpArgs),
    /// Let a paused run go on, or go on with one that was stopped
    #[command(long_about = run::RESUME, after_long_help = run::AFTER_HELP)]
    Resume(RunArgs),
    /// Undo every step that was begun, the last first; with --full, the database goes back too and loses nothing
    #[command(long_about = run::rollback(), after_long_help = run::ROLLBACK_AFTER_HELP)]
    Rollback(Box<RollbackArgs>),
    /// Show what the change log has, which a full rollback puts on top of the backup
    #[command(long_about = changes::ABOUT, after_long_help = changes::AFTER_HELP)]
    Changes(ChangesArgs),
    /// Compare the backup with its manifest, and the database with the backup
    #[command(long_about = verify::ABOUT, after_long_help = verify::AFTER_HELP)]
    Verify(VerifyArgs),
    /// Replay every write on two clones of the backup, one for each side, and compare the rows
    #[command(long_about = parity::ABOUT, after_long_help = parity::AFTER_HELP)]
    Parity(ParityArgs),
    /// Try the whole take-over out on this machine, under load, with a fault on the way
    #[cfg(feature = "rehearsal")]
    #[command(long_about = rehearse::ABOUT, after_long_help = rehearse::AFTER_HELP)]
    Rehearse(RehearseArgs),
    /// Write down what the run did: one page for whoever decides and whoever audits
    #[command(long_about = report::ABOUT, after_long_help = report::AFTER_HELP)]
    Report(report::ReportArgs),
    /// Restore the backup into a new database, and put that in place of the present one if asked to
    #[command(long_about = restore::ABOUT, after_long_help = restore::AFTER_HELP)]
    Restore(RestoreArgs),
}

/// Where the run's files are.
#[derive(Debug, Clone, Args)]
pub(in crate::command) struct FolderArgs {
    /// Folder of the run: its plan, journal and backup. Keep it on another disk than the database
    #[arg(long, value_name = "DIR", default_value = FolderArgs::DEFAULT)]
    dir: PathBuf,
}

impl FolderArgs {
    const DEFAULT: &str = "./cutover";

    pub(super) fn folder(&self) -> Folder {
        Folder::at(&self.dir)
    }

    /// A command as it must be typed for this folder.
    pub(super) fn command(&self, command: &str) -> String {
        if self.dir == std::path::Path::new(Self::DEFAULT) {
            return command.to_owned();
        }
        format!("{command} --dir {}", self.dir.display())
    }
}

/// What is decided once, when a run is begun.
#[derive(Debug, Args)]
pub(in crate::command) struct WishArgs {
    /// A folder or file to archive with the backup, such as the old services' own; may be given several times
    #[arg(long, value_name = "PATH")]
    archive: Vec<PathBuf>,
    /// How many connections dump and restore at once [default: 2]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Folder of the old services: their compose file, or a folder with .env for each. Their environments are put together
    /// into pyairtable-platform.env in the folder of the run, and the folder is archived
    #[arg(long, value_name = "DIR")]
    old: Option<PathBuf>,
    /// Whose value to take where the services contradict each other, such as JWT_SECRET=auth-service
    #[arg(long, value_name = "KEY=SERVICE", value_parser = chosen, requires = "old")]
    take: Vec<(String, String)>,
    /// Checks of `cutover preflight` that may say stop, by their names: you have looked, and mean it
    #[arg(long, value_name = "CHECKS", value_delimiter = ',')]
    accept: Vec<String>,
    /// Control socket of the gateway that moves the traffic. Without it the run ends before traffic moves
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Shares to move through, each with the seconds it is held at least and, after another colon, `unless-failing` to
    /// go on however little the gates have seen: 1%:300s:unless-failing,10%:300s,50%:300s,100%:300s is the default
    #[arg(long, value_name = "STEPS", value_delimiter = ',', requires = "gateway", conflicts_with = "complete")]
    steps: Vec<ShareStep>,
    /// Move everybody in one step, after the same preparation
    #[arg(long, requires = "gateway")]
    complete: bool,
    /// Before traffic moves, compare answers for so many seconds and, after a colon, so many reads; `none` leaves it out,
    /// for a gateway that has no shadow
    #[arg(long, value_name = "AMOUNT", default_value = "60s:1000", requires = "gateway", value_parser = amount)]
    shadow: Amount,
    /// How long to look on once everybody is on the new side, such as 48h; seconds are for rehearsals [default: 48h]
    #[arg(long, value_name = "TIME", value_parser = seconds, requires = "gateway")]
    soak: Option<u64>,
    /// The new service's environment file, in which the clean-up switches `LEGACY_COEXISTENCE` off
    #[arg(long, value_name = "FILE")]
    environment_file: Option<PathBuf>,
}

/// How much is compared before traffic moves.
type Amount = std::sync::Arc<Option<ShadowPlan>>;

fn amount(text: &str) -> Result<Amount, String> {
    if text == "none" { Ok(None) } else { text.parse().map(Some) }.map(Amount::new)
}

impl WishArgs {
    pub(super) fn wishes(&self) -> cutover::Result<Wishes> {
        let steps = match (self.complete, self.steps.is_empty()) {
            (true, _) => ShiftPlan::complete(),
            (false, true) => ShiftPlan::gradual(),
            (false, false) => self.steps.clone(),
        };
        ShiftPlan::check(&steps).map_err(|why| cutover::Error::Refused {
            why,
            next: "correct --steps, such as 1%:60s,10%:300s,50%:300s,100%:300s".to_owned(),
        })?;
        let gateway = self.gateway.as_deref().map(std::path::absolute).transpose();
        let gateway = gateway.map_err(|error| cutover::Error::Refused {
            why: format!("--gateway is no path: {error}"),
            next: "name the socket that `gateway serve --socket` made".to_owned(),
        })?;
        let shift = gateway.map(|gateway| ShiftPlan { gateway, steps });
        Ok(Wishes {
            archive: self.archive.clone(),
            jobs: self.jobs,
            shift,
            shadow: *self.shadow,
            old: self.old.clone(),
            take: self.take.iter().cloned().collect(),
            accept: self.accept.clone(),
            soak: self.soak,
            environment: self.environment_file.clone(),
        })
    }
}

/// `48h`, `90m`, `30s` or `30`
fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let times = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err("expected a number with h, m or s behind it, such as 48h".to_owned()),
    };
    let number = number.parse::<u64>().map_err(|_| "expected a number with h, m or s behind it, such as 48h")?;
    number.checked_mul(times).filter(|seconds| *seconds > 0).ok_or_else(|| "it must last at least a second".to_owned())
}

#[derive(Debug, Args)]
pub(in crate::command) struct DiscoverArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct PreflightArgs {
    /// Folder of the old services: their compose file, or a folder with .env for each
    #[arg(long, value_name = "DIR")]
    pub(super) old: Option<PathBuf>,
    /// The gateway that will move traffic
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) gateway: Option<String>,
    /// Count everything, however long it takes
    #[arg(long)]
    pub(super) thorough: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) config: EverythingArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ConfigArgs {
    /// Folder of the old services: their compose file, or a folder with .env for each
    #[arg(long, value_name = "DIR")]
    pub(super) old: PathBuf,
    /// The new service's environment file
    #[arg(long, value_name = "FILE", default_value = "./pyairtable-platform.env")]
    pub(super) out: PathBuf,
    /// Whose value to take where the services contradict each other, such as JWT_SECRET=auth-service
    #[arg(long, value_name = "KEY=SERVICE", value_parser = chosen)]
    pub(super) take: Vec<(String, String)>,
    /// Replace a file with other contents; it is kept beside the new one as .before
    #[arg(long)]
    pub(super) replace: bool,
    /// Print what would be written, secrets left out, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn chosen(text: &str) -> Result<(String, String), String> {
    let (key, service) = text.split_once('=').ok_or("expected KEY=SERVICE, such as JWT_SECRET=auth-service")?;
    Ok((key.to_owned(), service.to_owned()))
}

#[derive(Debug, Args)]
pub(in crate::command) struct PlanArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) wishes: WishArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct RunArgs {
    /// Print what would be done and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Take the run over from whoever holds it: a tool that hangs, or is stopped and must not come back
    #[arg(long)]
    pub(super) take_over: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) wishes: WishArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct RollbackArgs {
    #[command(flatten)]
    pub(super) full: FullArgs,
    #[command(flatten)]
    pub(super) run: RunArgs,
}

/// What concerns a full rollback alone.
#[derive(Debug, Args)]
pub(in crate::command) struct FullArgs {
    /// Have the database go back too: the backup with everything that was written since
    #[arg(long)]
    pub(super) full: bool,
    /// The name of the live database: put the copy in its place. Without it, it is only made
    #[arg(long, value_name = "DATABASE", requires = "full")]
    pub(super) confirm: Option<String>,
    /// Only what was done before this time (2026-03-01T12:00:00Z) or before this change, because later rows are damaged
    #[arg(long, value_name = "TIME|CHANGE", requires = "full")]
    pub(super) until: Option<Until>,
    /// A table or column that is younger than the backup and may stay behind; may be given several times
    #[arg(long, value_name = "SCHEMA.TABLE[.COLUMN]", requires = "full")]
    pub(super) without: Vec<String>,
    /// Take a full rollback back: the kept database gets its name again
    #[arg(long, requires = "full", conflicts_with_all = ["confirm", "until", "without"])]
    pub(super) back: bool,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ChangesArgs {
    /// Only of this table
    #[arg(long, value_name = "TABLE")]
    pub(super) table: Option<String>,
    /// Only up to this time
    #[arg(long, value_name = "TIME")]
    pub(super) before: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub(super) last: u32,
    /// Remove triggers and log
    #[arg(long, requires = "confirm")]
    pub(super) stop: bool,
    /// The name of the database, once more
    #[arg(long, value_name = "DATABASE", requires = "stop")]
    pub(super) confirm: Option<String>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

/// Working on a run whose shifts are done.
#[derive(Debug, Args)]
pub(in crate::command) struct HoldArgs {
    /// An `application_name` that is no old service's, such as a report's; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(super) ignore: Vec<String>,
    /// Take the run over from whoever holds it: a tool that hangs, or is stopped and must not come back
    #[arg(long)]
    pub(super) take_over: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct SoakArgs {
    /// Look once and end: for a timer. Ends with 4 until the clean-up is possible
    #[arg(long)]
    pub(super) once: bool,
    /// Take what is found now for what is right, and compare with it from now on
    #[arg(long, value_name = "WHY")]
    pub(super) accept: Option<String>,
    #[command(flatten)]
    pub(super) hold: HoldArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct CleanUpArgs {
    /// Print every statement and path and do nothing
    #[arg(long, conflicts_with_all = ["undo", "forget"])]
    pub(super) dry_run: bool,
    /// Take a clean-up back: files with their modes and times, the environment file, the schema
    #[arg(long, conflicts_with = "forget")]
    pub(super) undo: bool,
    /// Delete what is kept for taking it back; refused for 30 days
    #[arg(long)]
    pub(super) forget: bool,
    /// The new service's environment file, in which `LEGACY_COEXISTENCE` is switched off
    #[arg(long, value_name = "FILE", conflicts_with_all = ["undo", "forget"])]
    pub(super) environment_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) hold: HoldArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct StatusArgs {
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    /// Print it again whenever it changes, until no tool holds the run
    #[arg(long, conflicts_with = "json")]
    pub(super) watch: bool,
    /// Show it in browsers, as a page that brings itself up to date, and as JSON at /status, until Ctrl-C; only on this
    /// machine, such as 127.0.0.1:8002, and to everybody who has an account there
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["json", "watch"])]
    pub(super) listen: Option<std::net::SocketAddr>,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct PauseArgs {
    /// Why, for whoever looks at the run meanwhile
    #[arg(long, value_name = "REASON")]
    pub(super) why: String,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct VerifyArgs {
    /// Compare the backup's files with its manifest and nothing else; needs no database
    #[arg(long, conflicts_with_all = ["against", "rows"])]
    pub(super) backup: bool,
    /// Name rows and columns that differ, with the help of this database, which the backup was restored into
    #[arg(long, value_name = "DATABASE")]
    pub(super) against: Option<String>,
    /// At most so many rows of each table
    #[arg(long, value_name = "COUNT", default_value_t = 20, requires = "against")]
    pub(super) rows: usize,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[derive(Debug, Args)]
pub(in crate::command) struct ParityArgs {
    /// Command that starts the old services on their clone; a shell runs it, with the environment below
    #[arg(long, value_name = "COMMAND", required_unless_present = "old_url", conflicts_with = "old_url")]
    pub(super) old_command: Option<String>,
    /// Where somebody starts the old services with the environment that is printed: one address for all, or five
    /// separated by commas, in the order auth, users, workspaces, tenants, notifications
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    pub(super) old_url: Vec<url::Url>,
    /// Seconds to wait for services at --old-url
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(super) wait: u64,
    /// Two empty Redis databases that may be written to, for the old side and for the new: OLD,NEW
    /// [default: a redis-server of its own]
    #[arg(long, value_name = "URLS", value_delimiter = ',')]
    pub(super) redis: Vec<String>,
    /// Register of intended differences, in place of the one that comes with this program
    #[arg(long, value_name = "FILE")]
    pub(super) intended: Option<PathBuf>,
    /// What the rows are chosen by; the same number chooses the same rows of the same backup
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Leave the clones, to look into them; the next comparison of this run drops them
    #[arg(long)]
    pub(super) keep: bool,
    /// How many connections restore at once
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: u16,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}

#[cfg(feature = "rehearsal")]
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(in crate::command) struct RehearseArgs {
    /// How many people the old services know
    #[arg(long, value_name = "COUNT", default_value_t = 20_000)]
    pub(super) users: u32,
    /// Requests a second
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate: u32,
    /// Seconds each share is held; the one at which this program is killed, ten at least
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub(super) hold: u64,
    /// Keep databases, logs and journal here instead of throwing them away
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Try the naive recipe as well, on a world of its own; it must be caught
    #[arg(long)]
    pub(super) with_naive: bool,
    /// Try the naive recipe and nothing else
    #[arg(long, conflicts_with = "with_naive")]
    pub(super) naive: bool,
    /// Break the new side at 10 % in these ways, one after the other: all, or errors-100, errors-5, errors-1, slow, hang,
    /// crash-loop, wrong-body, wrong-tenant, leak, pool, stale, endpoint
    #[arg(long, value_name = "KINDS", value_delimiter = ',', conflicts_with_all = ["naive", "with_naive"])]
    pub(super) faults: Vec<Wanted>,
    /// Go to 10 % and back so many times beside a busy loop; no gate may fail
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["naive", "with_naive", "faults"])]
    pub(super) clean_runs: Option<u32>,
    /// Kill `cutover run` and `cutover rollback` at random moments, so many times
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["naive", "with_naive", "faults", "clean_runs"])]
    pub(super) kill_tool: Option<u32>,
    /// What is killed by --kill-tool: an older build of this program, whose run this one then ends
    #[arg(long, value_name = "PROGRAM", requires = "kill_tool")]
    pub(super) begun_by: Option<PathBuf>,
    /// What clients talk to: gateway, or haproxy, which is then driven. HAProxy has no shadow, so --faults all leaves out what
    /// only a shadow finds
    #[arg(long, value_name = "PROXY", default_value = "gateway", conflicts_with_all = ["naive", "with_naive"])]
    pub(super) through: rehearsal::world::Front,
    /// Seconds until a human notices that something is wrong, in the naive recipe
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(super) human: u64,
    /// Let gates overlook slow answers, on a machine that others use as well; errors count as ever
    #[arg(long)]
    pub(super) patient: bool,
    /// Write what came of it into this Markdown file
    #[arg(long, value_name = "FILE")]
    pub(super) write: Option<PathBuf>,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// A word of `--faults`.
#[cfg(feature = "rehearsal")]
#[derive(Debug, Clone, Copy)]
pub(in crate::command) enum Wanted {
    All,
    One(rehearsal::faults::Kind),
}

#[cfg(feature = "rehearsal")]
impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if word == "all" { Ok(Self::All) } else { word.parse().map(Self::One) }
    }
}

#[derive(Debug, Args)]
pub(in crate::command) struct RestoreArgs {
    /// Name of the new database; it must not exist
    #[arg(long, value_name = "DATABASE")]
    pub(super) into: String,
    /// Put it in place of this database afterwards: all its sessions are ended. Repeat the name with --confirm
    #[arg(long, value_name = "DATABASE", requires = "confirm")]
    pub(super) replace: Option<String>,
    /// The name of the database to replace, once more
    #[arg(long, value_name = "DATABASE", requires = "replace")]
    pub(super) confirm: Option<String>,
    /// How many connections restore at once
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(super) jobs: u16,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) folder: FolderArgs,
    #[command(flatten)]
    pub(super) database: DatabaseArgs,
}
