//! `cutover soak`

use cutover::Exit;
use cutover::run::{Cx, Plan, Wishes};
use cutover::soak::{Patience, Quiet};
use cutover::{Error, steps};

use super::arguments::{HoldArgs, SoakArgs};
use super::run::{nothing, opening, print_done};
use super::{exit_codes, on_database};

pub(super) const ABOUT: &str = "\
Look on while everybody is on the new side, until the clean-up is possible.

48 hours, or what --soak chose when the traffic was planned, counted from the moment at which everybody was declared safe; \
the tool need not run all the time. Every hour: gateway at 100 %, old services warm, backup whole, expansion complete, \
schema as it was, no index invalid, no sequence behind, no rule of the data broken by more rows than at the beginning, \
no row gone from tables that only grow. Each look is a note in the journal. A difference ends it with 7, names table, \
column and rows, and says what to do; after that the same command goes on.

Sessions of others are looked for every minute and kept in sessions.json of the run's folder. When the soak is over, stop \
the old services and leave this running, or on a timer, until none was seen for 24 hours: then it ends with 0. Time in \
which nobody looked for two hours does not count. psql, pg_dump and other known tools are no old services; name your \
own with --ignore.

`cutover run` does the same up to the end of the soak.";

pub(super) const AFTER_HELP: &str = concat!(
    "\
Examples:
  pyairtable-platform cutover soak
  pyairtable-platform cutover soak --once          # hourly from a timer; 4 means: not yet
  pyairtable-platform cutover soak --once --ignore nightly-report
  pyairtable-platform cutover soak --accept 'index added on purpose, change 123'

",
    exit_codes!()
);

pub(super) fn run(arguments: &SoakArgs) -> anyhow::Result<Exit> {
    let SoakArgs { once, accept, hold } = arguments;
    let HoldArgs { ignore, take_over, json, folder, database } = hold;
    let Some(plan) = Plan::read(&folder.folder())? else { return Err(nothing(folder)) };
    if plan.shift.is_none() {
        let why = "this run moves no traffic, so there is nothing to look at afterwards".to_owned();
        let next = folder.command("pyairtable-platform cutover run --gateway FILE");
        return Err(Error::Refused { why, next: format!("`{next}` goes on with it") }.into());
    }
    on_database(database, "cutover soak", async |config, opened| {
        let mut cx = Cx::open(opening(folder, Wishes::default(), *take_over, config, opened)?).await?;
        let patience = if *once { Patience::Once } else { Patience::Wait };
        let mut steps = steps::soak(&cx.plan, patience, accept.clone());
        steps.push(Box::new(Quiet::new(patience, ignore.clone())));
        let done = cutover::run::run(&mut cx, &steps).await;
        cx.close(done.as_ref().err().map_or(Exit::Done, Error::exit)).await;
        print_done(&done?, *json)?;
        Ok(Exit::Done)
    })
}
