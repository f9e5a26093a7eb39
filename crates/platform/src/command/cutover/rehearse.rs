//! `cutover rehearse`: the take-over tried out on one machine. Only in builds with the feature `rehearsal`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use cutover::Exit;
use rehearsal::clean::clean_runs;
use rehearsal::document::markdown;
use rehearsal::faults::{Kind, faults};
use rehearsal::killed::killed_tools;
use rehearsal::naive::naive;
use rehearsal::outcome::Outcome;
use rehearsal::scenario::rehearse;
use rehearsal::stage::Options;
use rehearsal::world::Front;
use testkit::legacy::generate::PASSWORDS;

use super::arguments::{RehearseArgs, Wanted};
use super::print_json;
use crate::command;
use crate::command::arguments::inputs;
use crate::config;

pub(super) const ABOUT: &str = "\
Try the whole take-over out on this machine, under load, with a fault on the way.

Starts PostgreSQL, Redis, stand-ins for the old services on generated rows, and a gateway; sends reads and writes through it \
and writes down what is acknowledged; takes everything over by the same commands as a real deployment; kills this program at \
10 %, so that traffic goes back by itself; takes over again; and looks in the tables for everything that was acknowledged.

The last line counts. Requests harmed by the fault itself, until the traffic was back, are counted apart.

With --with-naive the same is tried by hand as well: a dump into a text file, shares set without gates and leases, a human who \
notices after a minute, and the dump restored as the way back. It must be caught failing people and losing writes.

Other editions try one thing out many times: --faults breaks the new side at 10 % in up to twelve ways, --clean-runs breaks \
nothing and expects no return, --kill-tool kills `cutover run` and `cutover rollback` themselves, which --begun-by \
has another version of this program begin.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform cutover rehearse
  pyairtable-platform cutover rehearse --faults all --rate 600
  pyairtable-platform cutover rehearse --clean-runs 20
  pyairtable-platform cutover rehearse --users 1000000 --hold 60 --with-naive --write docs/REHEARSAL.md

Exit codes:
  0  nothing failed, nothing was lost, nothing was done twice; and the naive recipe, if tried, was caught
  1  it could not be carried out; standard error says why
  7  something failed, was lost or was done twice, or the naive recipe was not caught";

/// Where the commands of the rehearsal keep their run.
const RUN: &str = "cutover";
/// What `cutover run` leaves there for people.
const REPORT: &str = "report.html";

pub(super) fn run(arguments: &RehearseArgs) -> anyhow::Result<Exit> {
    let thrown_away = std::env::temp_dir().join(format!("pyairtable-rehearsal-{}", std::process::id()));
    let folder: PathBuf = arguments.dir.clone().unwrap_or_else(|| thrown_away.clone());
    let options = options(arguments, std::path::absolute(&folder).context("the folder")?)?;
    let outcome = command::runtime(2)?.block_on(tried(arguments, &options));
    if let Ok(outcome) = &outcome {
        keep(outcome, &options.folder)?;
    }
    if arguments.dir.is_none() {
        throw_away(&thrown_away, outcome.is_ok());
    }
    let outcome = outcome?;
    if let Some(page) = &arguments.write {
        std::fs::write(page, markdown(&outcome, &typed(arguments))).with_context(|| format!("{}", page.display()))?;
    }
    show(&outcome, arguments, &options.folder)?;
    Ok(if outcome.holds() { Exit::Done } else { Exit::Differs })
}

async fn tried(arguments: &RehearseArgs, options: &Options) -> Result<Outcome, rehearsal::stage::Error> {
    if arguments.naive {
        return naive(options).await;
    }
    if !arguments.faults.is_empty() {
        return faults(options, &kinds(arguments)).await;
    }
    if let Some(times) = arguments.clean_runs {
        return clean_runs(options, times).await;
    }
    if let Some(times) = arguments.kill_tool {
        return killed_tools(options, times).await;
    }
    let mut outcome = rehearse(options).await?;
    if arguments.with_naive {
        let beside = Options { folder: options.folder.join("naive"), ..options.clone() };
        outcome.naive = Some(Box::new(naive(&beside).await?));
    }
    Ok(outcome)
}

/// `all` that can be found, or some.
fn kinds(arguments: &RehearseArgs) -> Vec<Kind> {
    let is_found = |kind: &Kind| arguments.through == Front::Gateway || !kind.needs_shadow();
    let some = arguments.faults.iter().flat_map(|wanted| match wanted {
        Wanted::All => Kind::ALL.into_iter().filter(is_found).collect(),
        Wanted::One(kind) => vec![*kind],
    });
    some.collect()
}

fn options(arguments: &RehearseArgs, folder: PathBuf) -> anyhow::Result<Options> {
    Ok(Options {
        program: std::env::current_exe().context("where this program is")?,
        begun_by: arguments.begun_by.as_deref().map(std::path::absolute).transpose().context("--begun-by")?,
        folder,
        people: arguments.users,
        per_second: arguments.rate,
        hold: Duration::from_secs(arguments.hold),
        human: Duration::from_secs(arguments.human),
        patient: arguments.patient,
        front: arguments.through,
        path: config::load(&inputs(None, Vec::new())).config.path,
        // Those that cost little to verify.
        passwords: PASSWORDS
            .iter()
            .filter(|(_, hash)| hash.contains("$04$"))
            .map(|(password, hash)| ((*password).to_owned(), (*hash).to_owned()))
            .collect(),
    })
}

/// For the report of the run.
fn keep(outcome: &Outcome, folder: &Path) -> anyhow::Result<()> {
    let run = folder.join(RUN);
    std::fs::create_dir_all(&run).context("the run's folder")?;
    let path = run.join("rehearsal.json");
    std::fs::write(&path, format!("{:#}\n", outcome.to_json())).with_context(|| format!("{}", path.display()))?;
    if run.join(REPORT).exists() {
        // The run wrote it before there was a rehearsal to show.
        let mut again = Command::new(std::env::current_exe().context("where this program is")?);
        again
            .args(["cutover", "report", "--dir"])
            .arg(&run)
            .stdout(Stdio::null())
            .status()
            .context("cutover report")?;
    }
    Ok(())
}

/// Databases and backups. What was found stays, unless nothing was.
fn throw_away(folder: &Path, found: bool) {
    if !found {
        let _ = std::fs::remove_dir_all(folder);
        return;
    }
    for large in ["postgres", "naive", "platform", "cutover/backup"] {
        let _ = std::fs::remove_dir_all(folder.join(large));
    }
    let _ = std::fs::remove_file(folder.join("backup.sql"));
}

/// How to do the same again.
fn typed(arguments: &RehearseArgs) -> String {
    let RehearseArgs {
        users,
        rate,
        hold,
        with_naive,
        naive,
        faults,
        clean_runs,
        kill_tool,
        begun_by,
        patient,
        through,
        ..
    } = arguments;
    let mut typed = format!("scripts/rehearse --users {users} --rate {rate} --hold {hold}");
    if *through != Front::default() {
        typed.push_str(" --through ");
        typed.push_str(through.name());
    }
    if !faults.is_empty() {
        let kinds = kinds(arguments);
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        typed.push_str(" --faults ");
        typed.push_str(&if kinds == Kind::ALL { "all".to_owned() } else { names.join(",") });
    }
    for (flag, times) in [("--clean-runs", clean_runs), ("--kill-tool", kill_tool)] {
        typed.extend(times.map(|times| format!(" {flag} {times}")));
    }
    typed.extend(begun_by.iter().map(|program| format!(" --begun-by {}", program.display())));
    for (flag, _) in [(" --with-naive", with_naive), (" --naive", naive), (" --patient", patient)]
        .into_iter()
        .filter(|(_, given)| **given)
    {
        typed.push_str(flag);
    }
    typed
}

fn show(outcome: &Outcome, arguments: &RehearseArgs, folder: &Path) -> anyhow::Result<()> {
    if arguments.json {
        return print_json(&outcome.to_json());
    }
    let mut out = io::stdout().lock();
    write!(out, "{outcome}")?;
    let report = folder.join(RUN).join(REPORT);
    if report.exists() {
        writeln!(out, "report: {}", report.display())?;
    }
    writeln!(out, "{}", outcome.last_line())?;
    Ok(())
}
