//! `cutover rollback --full`: the backup, everything that was written since, and that in place of the live database.

use std::io::{self, Write as _};

use cutover::replay::{self, Choice};
use cutover::run::{Cx, Done, Plan, Preview, dry_run, roll_back};
use cutover::{Error, Exit, steps};
use serde_json::{Value, json};

use super::arguments::{FullArgs, RollbackArgs};
use super::run::{facts, nothing, setup};
use super::{on_database, print_json};

/// What `--full` does, for the help of `rollback`.
pub(super) const FULL: &str = "\
With --full the database goes back to what it was before the take-over, with everything that was written to the old services' \
tables since, by either side. The verified backup is restored into a new database beside the live one, and the change log \
put on top of it while all go on. Without --confirm it ends there, with exit code 4, and nothing was switched. With \
--confirm the traffic goes back to the old services, writers are held, the rest is applied, every table is compared row by \
row, and both databases change their names. The live one is kept, and --back takes it all back. Kill it at any moment and \
run the same command again: it goes on.

If the live rows are the damaged ones, --until names the moment before, as a time or as a number from `cutover changes`. \
What is left out is printed; there is nothing to compare with then.";

pub(super) fn run(arguments: &RollbackArgs) -> anyhow::Result<Exit> {
    let RollbackArgs { full, run } = arguments;
    let Some(plan) = Plan::read(&run.folder.folder())? else { return Err(nothing(&run.folder)) };
    if let Some(name) = full.confirm.as_ref().filter(|name| **name != plan.database) {
        let why = format!("--confirm names {name}, and this run is about {}", plan.database);
        return Err(Error::Refused { why, next: "repeat the very name, if that database is meant".to_owned() }.into());
    }
    let choice = Choice { until: full.until, without: full.without.clone() };
    on_database(&run.database, "cutover rollback --full", async |config, opened| {
        if run.dry_run {
            let preview = Preview { folder: run.folder.folder(), plan, url: opened.url.clone() };
            return print_plan(&preview, &choice, run.json).await;
        }
        // A tool that was killed in the middle of the switch left databases that let nobody in.
        replay::mend(&run.folder.folder(), &opened.url).await?;
        let mut cx = Cx::open(setup(run, config, opened)?).await?;
        let done = work(&mut cx, full, &choice).await;
        cx.close(match &done {
            Ok((exit, _)) => *exit,
            Err(error) => error.exit(),
        })
        .await;
        let (exit, done) = done?;
        if run.json {
            print_json(&json!({ "steps": done }))?;
        } else {
            print(&done, exit, &run.folder.command("pyairtable-platform cutover rollback --full"), &plan.database)?;
        }
        Ok(exit)
    })
}

async fn work(cx: &mut Cx, full: &FullArgs, choice: &Choice) -> cutover::Result<(Exit, Vec<Done>)> {
    if full.back {
        replay::roll_forward(cx).await?;
        return Ok((Exit::Done, Vec::new()));
    }
    let mut done = cutover::run::run(cx, &replay::preparation(choice)).await?;
    if full.confirm.is_none() {
        let switched = done.last().is_some_and(|step| step.outcome["switched"] == true);
        return Ok((if switched { Exit::RolledBack } else { Exit::Paused }, done));
    }
    // The new side knows nothing of the old schema.
    let traffic = steps::shift(&cx.plan);
    roll_back(cx, &traffic).await?;
    let all = replay::steps(choice);
    let last = all.len().saturating_sub(1);
    done.extend(cutover::run::run(cx, all.get(last..).unwrap_or_default()).await?);
    Ok((Exit::RolledBack, done))
}

fn print(done: &[Done], exit: Exit, command: &str, database: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for Done { step, already, outcome } in done {
        let when = if *already { "done before" } else { "done" };
        let shown: Value = outcome.as_object().map_or_else(
            || outcome.clone(),
            |all| all.iter().filter(|(key, value)| *key != "left_out" && !value.is_null()).map(pair).collect(),
        );
        writeln!(out, "{step:<16} {when:<12} {}", facts(&shown))?;
        for left in outcome["left_out"].as_array().into_iter().flatten() {
            let text = |key: &str| left[key].as_str().unwrap_or_default().to_owned();
            let name = text("application");
            let by = if name.is_empty() { "(no name)" } else { &name };
            writeln!(out, "left out         {} changes of {} by {by}", left["changes"], text("table"))?;
        }
    }
    match exit {
        Exit::Paused => writeln!(
            out,
            "nothing is switched yet; `{command} --confirm {database}` does, and holds writers for that long"
        )?,
        Exit::RolledBack => writeln!(
            out,
            "{database} is the old services' again. What it was is kept under the name above until you DROP DATABASE it; \
             `{command} --back` takes this back"
        )?,
        _ => writeln!(out, "{database} is what it was before the full rollback; the copy is kept beside it")?,
    }
    Ok(())
}

fn pair((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

async fn print_plan(preview: &Preview, choice: &Choice, json: bool) -> anyhow::Result<Exit> {
    let steps = replay::steps(choice);
    let planned = dry_run(preview, &steps).await?;
    if json {
        let all: Vec<_> = planned.iter().map(|(step, calls)| json!({ "step": step, "calls": calls })).collect();
        print_json(&json!({ "steps": all }))?;
        return Ok(Exit::Done);
    }
    let mut out = io::stdout().lock();
    for (step, (name, calls)) in steps.iter().zip(&planned) {
        writeln!(out, "{name}: {}", step.about())?;
        calls.iter().try_for_each(|call| writeln!(out, "  {call}"))?;
    }
    Ok(Exit::Done)
}
