//! Runs steps, one after the other, and back.

use serde::Serialize;
use serde_json::Value;

use super::{Call, Cx, Preview, Step};
use crate::journal::{Entry, Record};
use crate::{Error, Result};

/// A step that is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Its name.
    pub step: &'static str,
    /// Whether it had been done before.
    pub already: bool,
    /// What it came to.
    pub outcome: Value,
}

/// Where the journal says that a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Never begun, or undone.
    Open,
    /// Begun and not finished.
    Begun,
    /// Finished.
    Finished,
}

pub(super) fn stand(records: &[Record], step: &str) -> Stand {
    records.iter().filter(|record| record.entry.step() == Some(step)).fold(Stand::Open, |stand, record| {
        match record.entry {
            Entry::Started { .. } | Entry::Undoing { .. } => Stand::Begun,
            Entry::Finished { .. } => Stand::Finished,
            Entry::Undone { .. } => Stand::Open,
            _ => stand,
        }
    })
}

/// Does every step that is not done. After a crash it goes on: a step that the journal does not know as finished is
/// looked at, and begun again if it is not done.
pub async fn run(cx: &mut Cx, steps: &[Box<dyn Step>]) -> Result<Vec<Done>> {
    let mut all = Vec::new();
    for step in steps {
        cx.begin(step.name(), step.about());
        let done = one(cx, step.as_ref()).await;
        if let Err(error) = &done {
            write_down(cx, step.name(), error).await?;
        }
        let done = done?;
        cx.end(done.already);
        all.push(done);
    }
    Ok(all)
}

async fn one(cx: &mut Cx, step: &dyn Step) -> Result<Done> {
    let name = step.name();
    let stand = stand(cx.records(), name);
    if let Some(outcome) = step.postcondition(cx).await? {
        if stand != Stand::Finished {
            cx.append(Entry::Finished { step: name.to_owned(), already: true, outcome: outcome.clone() }).await?;
        }
        return Ok(Done { step: name, already: true, outcome });
    }
    cx.breathe().await?;
    // Also when the journal does not know of an attempt: it may have lost its end.
    cx.append(Entry::Clearing { step: name.to_owned() }).await?;
    step.clear(cx).await?;
    step.precondition(cx).await?;
    cx.append(Entry::Started { step: name.to_owned() }).await?;
    step.action(cx).await?;
    let Some(outcome) = step.postcondition(cx).await? else {
        return Err(Error::differs(
            format!("{name} was done and its result is not there"),
            "see `pyairtable-platform cutover status`, and run the same command again",
        ));
    };
    cx.append(Entry::Finished { step: name.to_owned(), already: false, outcome: outcome.clone() }).await?;
    Ok(Done { step: name, already: false, outcome })
}

async fn write_down(cx: &mut Cx, step: &str, error: &Error) -> Result<()> {
    let (step, text) = (step.to_owned(), error.to_string());
    let entry = match error {
        // The run is somebody else's now.
        Error::Fenced(_) | Error::Held { .. } => return Ok(()),
        Error::Paused { .. } | Error::Unfinished { .. } => Entry::Paused { step },
        Error::Refused { .. } => Entry::Refused { step, error: text },
        _ => Entry::Failed { step, error: text },
    };
    match cx.append(entry).await {
        // Of the two errors the first says what happened.
        Err(second @ Error::Fenced(_)) => Err(second),
        _ => Ok(()),
    }
}

/// Undoes every step that was begun, the last first.
pub async fn roll_back(cx: &mut Cx, steps: &[Box<dyn Step>]) -> Result<Vec<&'static str>> {
    let mut undone = Vec::new();
    for step in steps.iter().rev() {
        let name = step.name();
        if stand(cx.records(), name) == Stand::Open {
            continue;
        }
        cx.begin(name, "undoing");
        cx.append(Entry::Undoing { step: name.to_owned() }).await?;
        step.clear(cx).await?;
        step.undo(cx).await?;
        cx.append(Entry::Undone { step: name.to_owned() }).await?;
        cx.end(false);
        undone.push(name);
    }
    Ok(undone)
}

/// Every call that a run would make, step by step. Makes none.
pub async fn dry_run(preview: &Preview, steps: &[Box<dyn Step>]) -> Result<Vec<(&'static str, Vec<Call>)>> {
    let mut all = Vec::new();
    for step in steps {
        all.push((step.name(), step.calls(preview).await?));
    }
    Ok(all)
}
