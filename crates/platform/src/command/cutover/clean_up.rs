//! `cutover clean-up`

use std::io::{self, Write as _};

use cutover::cleanup::{DAYS, forget, forgotten, planned, still_coexisting};
use cutover::run::{Cx, Plan, Preview, Wishes};
use cutover::{Error, Exit, steps};
use serde_json::json;

use super::arguments::{CleanUpArgs, FolderArgs, HoldArgs};
use super::run::{nothing, opening, print_calls, print_done};
use super::{exit_codes, on_database, print_json};
use crate::local::Opened;

pub(super) const ABOUT: &str = "\
Remove what only the old services needed, so that it can be taken back for 30 days.

Refused before the soak is over, while an old service is connected, and for 24 hours after one was seen last (see `cutover \
soak`). Then, step by step, and resumable like everything else:

1. The paths that the run was begun with as --archive are archived as they are now, the archives are compared with them byte \
by byte, and exactly these paths are removed. Links are removed as links. Refused are paths with a mount point, a socket, \
pipe or device in them, and those that hold this run, this program or the new environment file.
2. LEGACY_COEXISTENCE becomes false in the environment file, if one is named; no other byte of it changes. Restart the replicas \
one by one afterwards; the command says, also when it is run again, where it finds some that were not. Open log-ins end then: \
people log in once more.
3. The schema refuses what only old services did: two live things of one name, children without parent, NULLs. Old triggers \
that would be in the way are switched off. Every statement is linted, waits 25 ms for its lock, and is tried again. What \
the data does not permit is left out and named with the rows; mend them and run the command again. Nothing is dropped.

--undo takes all of it back: files byte by byte with modes, owners and times, the environment file, the schema to the same \
fingerprint. --forget deletes what is kept for that, after 30 days. `cutover rollback` is refused until --undo was done.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover clean-up --dry-run
  pyairtable-platform cutover clean-up --environment-file ./pyairtable-platform.env
  pyairtable-platform cutover clean-up --undo
  pyairtable-platform cutover clean-up --forget

",
    exit_codes!()
);

pub(super) fn run(arguments: &CleanUpArgs) -> anyhow::Result<Exit> {
    let CleanUpArgs { dry_run, undo, environment_file, hold, .. } = arguments;
    let HoldArgs { ignore, take_over, json, folder, database } = hold;
    let Some(plan) = Plan::read(&folder.folder())? else { return Err(nothing(folder)) };
    on_database(database, "cutover clean-up", async |config, opened| {
        if *dry_run {
            return show(arguments, plan.clone(), opened).await;
        }
        let wishes = Wishes { environment: environment_file.clone(), ..Wishes::default() };
        let mut cx = Cx::open(opening(folder, wishes, *take_over, config, opened)?).await?;
        let steps = steps::clean_up(&cx.plan, ignore);
        if arguments.forget {
            let gone = forget(&mut cx, steps.last().map_or("", |step| step.name())).await;
            cx.close(gone.as_ref().err().map_or(Exit::Done, Error::exit)).await;
            writeln!(io::stdout().lock(), "removed {}: the clean-up cannot be taken back any more", gone?)?;
            return Ok(Exit::Done);
        }
        if *undo {
            let undone = if forgotten(&cx) { Err(too_late()) } else { cutover::run::roll_back(&mut cx, &steps).await };
            cx.close(undone.as_ref().err().map_or(Exit::RolledBack, Error::exit)).await;
            let undone = undone?;
            if *json {
                print_json(&json!({ "undone": undone }))?;
            } else {
                let mut out = io::stdout().lock();
                undone.iter().try_for_each(|step| writeln!(out, "undone  {step}"))?;
                writeln!(out, "if the replicas were restarted meanwhile, restart them again, one by one")?;
            }
            return Ok(Exit::RolledBack);
        }
        let done = cutover::run::run(&mut cx, &steps).await;
        let environment = cx.plan.environment.clone();
        cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
        print_done(&done?, *json)?;
        if !*json {
            let mut out = io::stdout().lock();
            if environment.is_none() {
                writeln!(out, "next: set LEGACY_COEXISTENCE=false in the new service's environment")?;
            }
            writeln!(out, "next: restart the replicas one by one, so that LEGACY_COEXISTENCE=false counts")?;
            match still_coexisting(&opened.url).await {
                Ok(places) => places.iter().try_for_each(|(place, sessions)| {
                    writeln!(
                        out,
                        "it does not count yet on {place}, which has {sessions} sessions; the same command looks again"
                    )
                })?,
                Err(error) => writeln!(out, "it was not to be seen where it counts already: {error}")?,
            }
            let undo = folder.command("pyairtable-platform cutover clean-up --undo");
            writeln!(out, "`{undo}` takes it back for {DAYS} days")?;
        }
        Ok(Exit::Done)
    })
}

/// What would be executed and removed, and what would be left out.
async fn show(arguments: &CleanUpArgs, mut plan: Plan, opened: &Opened) -> anyhow::Result<Exit> {
    if let Some(path) = &arguments.environment_file {
        plan.environment = Some(std::path::absolute(path)?);
    }
    let preview = Preview { folder: arguments.hold.folder.folder(), plan, url: opened.url.clone() };
    let steps = steps::clean_up(&preview.plan, &arguments.hold.ignore);
    print_calls(&preview, &steps, arguments.hold.json).await?;
    if !arguments.hold.json {
        let (_, left) = planned(&opened.url.connect().await?).await?;
        let mut out = io::stdout().lock();
        left.iter().try_for_each(|one| writeln!(out, "left out: {}: {}", one.key, one.why))?;
        writeln!(out, "next: {}", arguments.hold.folder.command("pyairtable-platform cutover clean-up"))?;
    }
    Ok(Exit::Done)
}

fn too_late() -> Error {
    Error::Refused {
        why: "what was kept for taking the clean-up back was deleted with --forget".to_owned(),
        next: "the backup has the database and the files as they were before the shift: `cutover restore`".to_owned(),
    }
}

/// Traffic cannot go back to services whose files are gone.
pub(super) fn refuse_if_begun(folder: &FolderArgs, plan: &Plan) -> cutover::Result<()> {
    let steps = steps::clean_up(plan, &[]);
    let status = cutover::run::status(&folder.folder(), &steps)?;
    match status.steps.iter().find(|step| step.state != "open" && step.name != "quiet") {
        None => Ok(()),
        Some(step) => Err(Error::Refused {
            why: format!("the clean-up has begun with {}: the old services cannot serve", step.name),
            next: format!(
                "take it back first with `{}`",
                folder.command("pyairtable-platform cutover clean-up --undo")
            ),
        }),
    }
}
