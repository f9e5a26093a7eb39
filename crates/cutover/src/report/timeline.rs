//! Everything that happened, in one order.

use gateway::control::history::Entry as Change;
use jiff::Timestamp;

use super::attempts::History;
use super::model::{Decision, Event, Outcome};
use super::verdict::is_return;
use crate::Exit;
use crate::journal::{Entry, Record};

pub(super) fn of(records: &[Record], history: &History, changes: &[Change], decisions: &[Decision]) -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    for session in &history.sessions {
        let holder = session.holder.split(" since ").next().unwrap_or_default();
        let title = format!("Taken by {holder}");
        all.push(event(session.opened_at, "session", title, None));
        if let Some(exit) = session.exit {
            let meaning = Exit::ALL.iter().find(|(known, _)| known.code() == exit).map(|(_, meaning)| *meaning);
            let title = format!("Let go with exit code {exit}");
            all.push(event(session.ended_at, "session", title, meaning.map(str::to_owned)));
        }
    }
    for attempt in &history.attempts {
        let undo = attempt.outcome == Outcome::Undone;
        all.push(Event {
            at: attempt.began_at,
            seconds: Some(attempt.seconds),
            kind: if undo { "undo" } else { "step" }.to_owned(),
            outcome: Some(attempt.outcome),
            title: attempt.step.clone(),
            detail: attempt.error.clone(),
        });
    }
    for wait in &history.waits {
        let title = format!("Paused at {}", wait.step);
        all.push(Event { seconds: Some(wait.seconds), ..event(wait.at, "pause", title, None) });
    }
    for record in records {
        if let Entry::Mended { bytes, kept } = &record.entry {
            let title = "A torn end was cut off the journal".to_owned();
            all.push(event(record.at, "journal", title, Some(format!("{bytes} bytes, kept in {kept}"))));
        }
    }
    for change in changes.iter().filter(|change| !change.changes.is_empty()) {
        let kind = if is_return(change) { "return" } else { "share" };
        all.push(event(change.at, kind, shares(change), Some(format!("{}: {}", change.who, change.why))));
    }
    // Returns that the gateway tells of are there already.
    let told = all.iter().filter(|event| event.kind == "return").count();
    for decision in decisions {
        match decision.what.as_str() {
            "return" if told == 0 => {
                let title = format!("Back from {} by itself", decision.share);
                all.push(event(decision.at, "return", title, decision.reason.clone()));
            }
            "hold" => {
                let title = format!("The gates went on holding {}", decision.share);
                all.push(event(decision.at, "hold", title, decision.reason.clone()));
            }
            _ => {}
        }
    }
    all.sort_by_key(|event| event.at);
    all
}

fn event(at: Timestamp, kind: &str, title: String, detail: Option<String>) -> Event {
    Event { at, seconds: None, kind: kind.to_owned(), outcome: None, title, detail }
}

/// `10% → 50%`, with the families if they did not all change alike.
pub(super) fn shares(change: &Change) -> String {
    let Some(first) = change.changes.first() else { return change.what.clone() };
    if change.changes.iter().all(|one| (one.from, one.to) == (first.from, first.to)) {
        return format!("{} → {}", first.from, first.to);
    }
    let one = |one: &gateway::control::state::Change| format!("{} {} → {}", one.family, one.from, one.to);
    change.changes.iter().map(one).collect::<Vec<_>>().join(", ")
}
