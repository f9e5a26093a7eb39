//! `cutover status` and `pause`: what needs no database.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use cutover::replay;
use cutover::run::{Folder, Pause, Plan, State, Status, StepStatus};
use cutover::soak::Sightings;
use cutover::{Error, Exit, steps};
use kernel::{Clock as _, SystemClock};

use super::arguments::{FolderArgs, PauseArgs, StatusArgs};
use super::{exit_codes, page, print_json, watch};

pub(super) const STATUS: &str = "\
Show where the run stands; needs no database and works from a second terminal.

Says who holds the run, which steps are done, what is being done and how long it still takes, why nothing goes on if that \
is so, and the command to go on with. --watch keeps at it; --listen shows the same, with the report and its charts as far as \
they are, in a browser.";

pub(super) const PAUSE: &str = "\
Have the run wait at the next possible moment: between two steps, or two pieces of one.

A dump under way is not interrupted, because its snapshot would have to be kept. The tool that holds the run goes on \
holding it until `cutover resume`; stop it with Ctrl-C to let it go.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover status
  pyairtable-platform cutover status --watch
  pyairtable-platform cutover status --listen 127.0.0.1:8002
  pyairtable-platform cutover pause --why 'the nightly import runs'
  pyairtable-platform cutover resume

",
    exit_codes!()
);

pub(super) fn status(arguments: &StatusArgs) -> anyhow::Result<Exit> {
    if let Some(address) = arguments.listen {
        return page::serve(address, &arguments.folder);
    }
    if arguments.json {
        print_json(&look(&arguments.folder)?)?;
        return Ok(Exit::Done);
    }
    let mut shown = String::new();
    loop {
        let status = look(&arguments.folder)?;
        let words = words(&status) + &others(&arguments.folder.folder())?;
        if words != shown {
            let mut out = io::stdout().lock();
            // Where there is a screen, the new text takes the place of the old one.
            if arguments.watch && io::stdout().is_terminal() {
                write!(out, "\x1b[H\x1b[2J")?;
            }
            out.write_all(words.as_bytes())?;
            out.flush()?;
            shown = words;
        }
        if !arguments.watch || !matches!(status.state, State::Running | State::Waiting) {
            return Ok(Exit::Done);
        }
        std::thread::sleep(EVERY);
    }
}

/// How often whoever watches is shown what changed.
const EVERY: Duration = Duration::from_secs(1);

/// Everything that the folder says, with what an operator calls for by other commands once that has begun.
pub(super) fn look(at: &FolderArgs) -> anyhow::Result<Status> {
    let folder = at.folder();
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
    let back = cutover::run::status(&folder, &replay::steps(&replay::Choice::default()))?.steps;
    if back.iter().any(|step| step.state != "open") {
        if !matches!(status.state, State::Running | State::Waiting) {
            status.next = next_of_full_rollback(&status, &back);
        }
        status.steps.extend(back);
    }
    status.next = status.next.map(|next| at.command(&next));
    Ok(status)
}

/// Who else was seen, if anybody was looked for.
fn others(folder: &Folder) -> anyhow::Result<String> {
    let Some(found) = Sightings::read(folder)? else { return Ok(String::new()) };
    let Some(seen) = found.last(&[]) else { return Ok(String::new()) };
    Ok(format!("others: {}, last seen at {:.0}, looked at {:.0}\n", seen.words(), seen.last, found.looked_at))
}

/// Whoever began to go back in full is told how to go on with that; once back, nothing is suggested.
fn next_of_full_rollback(status: &Status, back: &[StepStatus]) -> Option<String> {
    let (plan, switch) = (status.plan.as_ref()?, back.last()?);
    let is_ready = back.iter().rev().skip(1).all(|step| step.state == "finished");
    match switch.state {
        "finished" => None,
        _ if is_ready => Some(format!("pyairtable-platform cutover rollback --full --confirm {}", plan.database)),
        _ => Some("pyairtable-platform cutover rollback --full".to_owned()),
    }
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
