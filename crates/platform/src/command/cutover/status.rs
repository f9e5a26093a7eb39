//! `cutover status` and `pause`: what needs no database.

use std::io::{self, Write as _};

use cutover::run::{Pause, Plan, State, Status};
use cutover::soak::Sightings;
use cutover::{Error, Exit, steps};
use kernel::{Clock as _, SystemClock};

use super::arguments::{FolderArgs, PauseArgs, StatusArgs};
use super::{exit_codes, print_json, watch};

pub(super) const STATUS: &str = "\
Show where the run stands; needs no database and works from a second terminal.

Says who holds the run, which steps are done, what is being done and how long it still takes, why nothing goes on if that \
is so, and the command to go on with.";

pub(super) const PAUSE: &str = "\
Have the run wait at the next possible moment: between two steps, or two pieces of one.

A dump under way is not interrupted, because its snapshot would have to be kept. The tool that holds the run goes on \
holding it until `cutover resume`; stop it with Ctrl-C to let it go.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover status
  pyairtable-platform cutover pause --why 'the nightly import runs'
  pyairtable-platform cutover resume

",
    exit_codes!()
);

pub(super) fn status(arguments: &StatusArgs) -> anyhow::Result<Exit> {
    let folder = arguments.folder.folder();
    let plan = Plan::read(&folder)?;
    let steps = plan.as_ref().map_or_else(steps::preparation, steps::of);
    let mut status = cutover::run::status(&folder, &steps)?;
    if let Some(plan) = plan.filter(|plan| plan.shift.is_some()) {
        let cleaning = cutover::run::status(&folder, &steps::clean_up(&plan, &[]))?.steps;
        if status.state == State::Done && cleaning.iter().any(|step| step.state != "finished") {
            status.next = Some("pyairtable-platform cutover clean-up".to_owned());
        }
        if cleaning.iter().any(|step| step.state != "open") {
            status.steps.extend(cleaning);
        }
    }
    status.next = status.next.map(|next| arguments.folder.command(&next));
    if arguments.json {
        print_json(&status)?;
    } else {
        let mut out = io::stdout().lock();
        out.write_all(words(&status).as_bytes())?;
        let found = Sightings::read(&folder)?;
        if let Some((found, seen)) = found.as_ref().and_then(|found| Some((found, found.last(&[])?))) {
            writeln!(out, "others: {}, last seen at {:.0}, looked at {:.0}", seen.words(), seen.last, found.looked_at)?;
        }
    }
    Ok(Exit::Done)
}

pub(super) fn pause(arguments: &PauseArgs) -> anyhow::Result<Exit> {
    let PauseArgs { why, folder } = arguments;
    if Plan::read(&folder.folder())?.is_none() {
        let shown = folder.folder().path().display().to_string();
        let next = format!("name its folder with --dir, or see `{}`", FolderArgs::command(folder, STATUS_COMMAND));
        return Err(Error::Refused { why: format!("there is no run in {shown}"), next }.into());
    }
    cutover::run::pause(&folder.folder(), &Pause { at: SystemClock.now(), why: why.clone() })?;
    let mut out = io::stdout().lock();
    writeln!(out, "it waits at the next possible moment; `{}` shows when", folder.command(STATUS_COMMAND))?;
    writeln!(out, "next: {}", folder.command("pyairtable-platform cutover resume"))?;
    Ok(Exit::Done)
}

const STATUS_COMMAND: &str = "pyairtable-platform cutover status";

fn words(status: &Status) -> String {
    let mut lines = Vec::new();
    match &status.plan {
        Some(plan) => lines.push(format!("run {} of database {}, begun {:.0}", plan.run, plan.database, plan.made_at)),
        None => lines.push("no run yet".to_owned()),
    }
    let state = match status.state {
        State::None => "not begun",
        State::Running => "running",
        State::Waiting => "waiting",
        State::Stopped => "stopped",
        State::Done => "done",
    };
    lines.push(match &status.holder {
        Some(holder) => format!("{state}, held by {holder}"),
        None => format!("{state}, held by nobody"),
    });
    if let Some(pause) = &status.pause {
        lines.push(format!("asked to wait since {:.0}: {}", pause.at, pause.why));
    }
    for step in &status.steps {
        let at = step.at.map(|at| format!("{at:.0}")).unwrap_or_default();
        lines.push(format!("  {:<9} {:<14} {at:<20}  {}", step.state, step.name, step.about).trim_end().to_owned());
        lines.extend(step.error.iter().map(|error| format!("            {error}")));
    }
    if let Some(progress) = &status.progress {
        lines.push(format!("now: {}", watch::words(progress)));
    }
    lines.extend(status.next.iter().map(|next| format!("next: {next}")));
    lines.join("\n") + "\n"
}
