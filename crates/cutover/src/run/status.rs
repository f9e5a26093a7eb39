//! Where a run stands, read from its folder by whoever asks, while it goes on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine::{Stand, stand};
use super::{Folder, Holder, Pause, Plan, Step, control, lock};
use crate::journal::{self, Entry};
use crate::{Result, files};

/// What is being done at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step.
    pub step: String,
    /// The part of it.
    pub what: String,
    /// How much of it.
    pub done: u64,
    /// Of how much; 0 if nobody knows.
    pub total: u64,
    /// How many seconds it still takes at the pace so far.
    pub seconds_left: Option<u64>,
    /// Why nothing goes on.
    pub waits: Option<String>,
}

/// A run in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody planned it yet.
    None,
    /// A tool works on it.
    Running,
    /// A tool holds it and waits.
    Waiting,
    /// No tool holds it, and steps are left.
    Stopped,
    /// All steps are done.
    Done,
}

/// A step's place in the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepStatus {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// `open`, `begun` or `finished`.
    pub state: &'static str,
    /// When that was.
    pub at: Option<Timestamp>,
    /// Why it failed or was refused, if that was the last thing.
    pub error: Option<String>,
}

/// Everything that the folder of a run says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// In one word.
    pub state: State,
    /// The plan, once there is one.
    pub plan: Option<Plan>,
    /// Who holds it.
    pub holder: Option<Holder>,
    /// Why it was asked to wait.
    pub pause: Option<Pause>,
    /// What is being done.
    pub progress: Option<Progress>,
    /// The steps.
    pub steps: Vec<StepStatus>,
    /// How many records the journal has.
    pub records: usize,
    /// The command to go on with.
    pub next: Option<String>,
}

/// Whether a tool holds the run.
pub(crate) fn held(folder: &Folder) -> bool {
    lock::holder(folder).is_some()
}

/// Reads the folder. Changes nothing and needs no database.
pub fn status(folder: &Folder, steps: &[Box<dyn Step>]) -> Result<Status> {
    let plan = Plan::read(folder)?;
    let contents = journal::read(&folder.journal())?;
    let holder = lock::holder(folder);
    let pause = control::asked(folder);
    let progress = if holder.is_some() { files::read_json(&folder.progress()).ok().flatten() } else { None };
    let steps: Vec<StepStatus> = steps.iter().map(|step| of(step.as_ref(), &contents.records)).collect();
    let open = steps.iter().any(|step| step.state != "finished");
    let state = match (&plan, &holder) {
        (_, Some(_)) if pause.is_some() => State::Waiting,
        (_, Some(_)) => State::Running,
        (None, None) => State::None,
        (Some(_), None) if open => State::Stopped,
        (Some(_), None) => State::Done,
    };
    let next = match state {
        State::None => Some("pyairtable-platform cutover plan"),
        State::Waiting => Some("pyairtable-platform cutover resume"),
        State::Stopped if pause.is_some() => Some("pyairtable-platform cutover resume"),
        State::Stopped => Some("pyairtable-platform cutover run"),
        State::Running | State::Done => None,
    };
    let next = next.map(str::to_owned);
    Ok(Status { state, plan, holder, pause, progress, steps, records: contents.records.len(), next })
}

fn of(step: &dyn Step, records: &[journal::Record]) -> StepStatus {
    let state = match stand(records, step.name()) {
        Stand::Open => "open",
        Stand::Begun => "begun",
        Stand::Finished => "finished",
    };
    let last = records.iter().rev().find(|record| record.entry.step() == Some(step.name()));
    let error = last.and_then(|record| match &record.entry {
        Entry::Failed { error, .. } | Entry::Refused { error, .. } => Some(error.clone()),
        _ => None,
    });
    let (name, about) = (step.name().to_owned(), step.about().to_owned());
    StepStatus { name, about, state, at: last.map(|record| record.at), error }
}
