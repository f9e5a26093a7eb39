//! `cutover plan`, `run`, `backup`, `resume` and `rollback`: what works on a run.

use std::io::{self, Write as _};
use std::sync::Arc;

use cutover::run::{Cx, Done, Plan, Preview, Setup, Step, Wishes, dry_run, unpause};
use cutover::{Error, Exit, steps};
use kernel::SystemClock;
use serde_json::json;

use super::arguments::{FolderArgs, PlanArgs, RollbackArgs, RunArgs};
use super::{exit_codes, full_rollback, on_database, print_json, report, stop_on_signal, surroundings, tools, watch};
use crate::config::Config;
use crate::local::Opened;
use crate::system::SystemRng;

pub(super) const PLAN: &str = "\
Print every statement and call that a run would make; makes none.

Reads catalogs and writes nothing: no file, no row, no transaction id. What is only known when it is done stands in <angle \
brackets>.";

pub(super) const RUN: &str = "\
Do every step that is not done, or go on after a stop or a crash.

The last step, where a gateway moves the traffic, is the soak: 48 hours of looking on, which may be left and gone on with \
(see `cutover soak`). Clean-up is a command of its own.

Each step is announced in a journal, on disk, before it is done. Whether a step is done is asked of the database and the \
files, so the command may be killed and repeated at any time. Ctrl-C stops it in order. One tool at a time works on a \
run and on a database; a second one ends at once and names the first.";

pub(super) const BACKUP: &str = "\
Do the steps up to a backup that was restored and compared.

Exports one snapshot, measures every table under it, and dumps the same snapshot while others go on writing. Each file \
gets its SHA-256. Then restores the backup into a scratch database, compares every table there, and drops it. Needs \
pg_dump and pg_restore of the server's version, and a role that may read everything and create databases.

For a new backup beside an old one use another --dir.";

pub(super) const EXPAND: &str = "\
Do the steps up to a schema that both sides can use, while the old services go on.

Adds this program's tables, columns, policies and indexes; changes and removes nothing. Every statement is linted before \
anything is executed. What concerns a table in use runs in a transaction of its own that waits 25 ms for its lock, \
holds it for 50 ms at most, and is tried again until it gets through; who is in the way is named. Indexes are built \
CONCURRENTLY, without a limit, and called off for the moment when an ALTER TABLE queues up behind them. What a killed \
run left is put right by the next one. A rollback leaves the expansion: the old services work with it as without.";

pub(super) const RESUME: &str = "\
Let a paused run go on, or go on with one that was stopped.

A tool that waits goes on by itself. If none holds the run, this command does what `cutover run` does.";

const ROLLBACK: &str = "\
Undo every step that was begun, the last first.

What only helps stays: the backup, what was found in the beginning, and the change log. The schema keeps what was added, and \
the old services work with it as without.";

/// Both ways back.
pub(super) fn rollback() -> String {
    format!("{ROLLBACK}\n\n{}", full_rollback::FULL)
}

pub(super) const ROLLBACK_AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover rollback
  pyairtable-platform cutover rollback --full
  pyairtable-platform cutover rollback --full --confirm pyairtable
  pyairtable-platform cutover rollback --full --until 2026-03-01T12:00:00Z --confirm pyairtable

",
    exit_codes!()
);

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover plan --old ./go-services
  pyairtable-platform cutover run --old ./go-services
  pyairtable-platform cutover run --gateway ./pyairtable-gateway.sock --steps 1%:60s:unless-failing,10%:300s,100%:300s
  pyairtable-platform cutover status
  pyairtable-platform cutover run --take-over

",
    exit_codes!()
);

pub(super) fn plan(arguments: &PlanArgs) -> anyhow::Result<Exit> {
    let PlanArgs { json, folder, wishes, database } = arguments;
    on_database(database, "cutover plan", async |_, opened| {
        print_plan(folder, wishes.wishes()?, opened, None, *json).await
    })
}

/// `run`, and `backup` and `expand`, which do a part of it.
pub(super) fn run(arguments: &RunArgs, command: &str) -> anyhow::Result<Exit> {
    let last = match command {
        "backup" => Some("trial-restore"),
        "expand" => Some("expand"),
        _ => None,
    };
    on_database(&arguments.database, &format!("cutover {command}"), async |config, opened| {
        if arguments.dry_run {
            return print_plan(&arguments.folder, arguments.wishes.wishes()?, opened, last, arguments.json).await;
        }
        work(arguments, config, opened, last).await
    })
}

pub(super) fn resume(arguments: &RunArgs) -> anyhow::Result<Exit> {
    let folder = arguments.folder.folder();
    let Some(plan) = Plan::read(&folder)? else { return Err(nothing(&arguments.folder)) };
    if unpause(&folder)? && cutover::run::status(&folder, &steps::of(&plan))?.holder.is_some() {
        writeln!(
            io::stdout().lock(),
            "it goes on; `{}` shows how",
            arguments.folder.command("pyairtable-platform cutover status")
        )?;
        return Ok(Exit::Done);
    }
    run(arguments, "run")
}

pub(super) fn roll_back(arguments: &RollbackArgs) -> anyhow::Result<Exit> {
    if arguments.full.full {
        return full_rollback::run(arguments);
    }
    let arguments = &arguments.run;
    let Some(plan) = Plan::read(&arguments.folder.folder())? else { return Err(nothing(&arguments.folder)) };
    super::clean_up::refuse_if_begun(&arguments.folder, &plan)?;
    on_database(&arguments.database, "cutover rollback", async |config, opened| {
        let mut cx = Cx::open(setup(arguments, config, opened)?).await?;
        let steps = steps::of(&cx.plan);
        let undone = cutover::run::roll_back(&mut cx, &steps).await;
        cx.close(undone.as_ref().err().map_or(Exit::RolledBack, Error::exit)).await;
        leave_report(arguments, undone.as_ref().err());
        let undone = undone?;
        if arguments.json {
            print_json(&json!({ "undone": undone }))?;
        } else {
            let mut out = io::stdout().lock();
            undone.iter().try_for_each(|step| writeln!(out, "undone  {step}"))?;
        }
        Ok(Exit::RolledBack)
    })
}

async fn work(arguments: &RunArgs, config: &Config, opened: &Opened, last: Option<&str>) -> anyhow::Result<Exit> {
    let mut cx = Cx::open(setup(arguments, config, opened)?).await?;
    let steps = steps::until(steps::of(&cx.plan), last);
    let done = cutover::run::run(&mut cx, &steps).await;
    cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
    leave_report(arguments, done.as_ref().err());
    print_done(&done?, arguments.json)?;
    Ok(Exit::Done)
}

/// A line for each step.
pub(super) fn print_done(done: &[Done], json: bool) -> anyhow::Result<()> {
    if json {
        return print_json(&json!({ "steps": done }));
    }
    let mut out = io::stdout().lock();
    for Done { step, already, outcome } in done {
        let when = if *already { "done before" } else { "done" };
        writeln!(out, "{step:<15} {when:<12} {}", facts(outcome))?;
    }
    Ok(())
}

/// Whoever has lost the run writes nothing into its folder.
fn leave_report(arguments: &RunArgs, error: Option<&Error>) {
    if !matches!(error, Some(Error::Fenced(_) | Error::Held { .. })) {
        report::leave(&arguments.folder.folder());
    }
}

/// `tables 13, rows 7979`
pub(super) fn facts(outcome: &serde_json::Value) -> String {
    let facts = outcome.as_object().into_iter().flatten();
    let fact = |(key, value): (&String, &serde_json::Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{} {text}", key.replace('_', " "))
    };
    facts.map(fact).collect::<Vec<_>>().join(", ")
}

pub(super) fn setup(arguments: &RunArgs, config: &Config, opened: &Opened) -> anyhow::Result<Setup> {
    opening(&arguments.folder, arguments.wishes.wishes()?, arguments.take_over, config, opened)
}

/// What a run is opened with.
pub(super) fn opening(
    folder: &FolderArgs,
    wishes: Wishes,
    take_over: bool,
    config: &Config,
    opened: &Opened,
) -> anyhow::Result<Setup> {
    Ok(Setup {
        folder: folder.folder(),
        url: opened.url.clone(),
        wishes,
        take_over,
        surroundings: surroundings(config, opened)?,
        tools: tools(config),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng),
        watch: watch::watch(),
        stop: stop_on_signal(),
        witness: None,
    })
}

pub(super) fn nothing(folder: &FolderArgs) -> anyhow::Error {
    let why = format!("there is no run in {}", folder.folder().path().display());
    Error::Refused { why, next: format!("begin one with `{}`", folder.command("pyairtable-platform cutover run")) }
        .into()
}

async fn print_plan(
    folder: &FolderArgs,
    wishes: Wishes,
    opened: &Opened,
    last: Option<&str>,
    json: bool,
) -> anyhow::Result<Exit> {
    let at = folder.folder();
    let plan = match Plan::read(&at)? {
        Some(plan) => plan,
        None => Plan::new(&opened.url, &wishes, &SystemClock, &SystemRng).await?,
    };
    let steps = steps::until(steps::of(&plan), last);
    let preview = Preview { folder: at, plan, url: opened.url.clone() };
    print_calls(&preview, &steps, json).await?;
    if !json {
        writeln!(io::stdout().lock(), "next: {}", folder.command("pyairtable-platform cutover run"))?;
    }
    Ok(Exit::Done)
}

/// Every statement, path and order of these steps.
pub(super) async fn print_calls(preview: &Preview, steps: &[Box<dyn Step>], json: bool) -> anyhow::Result<()> {
    let planned = dry_run(preview, steps).await?;
    if json {
        let all: Vec<_> = planned.iter().map(|(step, calls)| json!({ "step": step, "calls": calls })).collect();
        return print_json(&json!({ "steps": all }));
    }
    let mut out = io::stdout().lock();
    for (step, (name, calls)) in steps.iter().zip(&planned) {
        writeln!(out, "{name}: {}", step.about())?;
        calls.iter().try_for_each(|call| writeln!(out, "  {call}"))?;
    }
    Ok(())
}
