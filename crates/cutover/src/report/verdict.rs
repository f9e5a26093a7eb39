//! What came of a run, in one word and one sentence.

use gateway::control::history::Entry as Change;
use gateway::split::Share;
use jiff::Timestamp;

use super::attempts::{History, between, exact};
use super::model::{Backup, Decision, Outcome, State, Step, Traffic, Verdict};
use super::words::{count, seconds, utc};
use crate::Exit;

pub(super) struct Facts<'a> {
    pub(super) held: bool,
    pub(super) steps: &'a [Step],
    pub(super) history: &'a History,
    pub(super) changes: &'a [Change],
    pub(super) decisions: &'a [Decision],
    pub(super) traffic: Option<&'a Traffic>,
    pub(super) backup: Option<&'a Backup>,
}

pub(super) fn of(facts: &Facts<'_>) -> Verdict {
    let state = state(facts);
    let returns = returns(facts);
    let share = share(facts);
    let rows_differ = rows_differ(facts);
    let since = since(facts, state);
    let (requests, errors) = facts
        .traffic
        .and_then(Traffic::whole)
        .map_or((0, 0), |(_, curve)| (curve.old.requests + curve.new.requests, curve.old.errors + curve.new.errors));
    let took = exact(facts.history.attempts.iter().map(|attempt| attempt.seconds).sum());
    let mut parts = vec![head(facts, state, since, share.as_deref())];
    match (facts.backup, rows_differ) {
        (Some(backup), Some(differ)) => parts.push(format!(
            "{} in {} were backed up and restored for trial, {differ} differ",
            count(backup.rows, "row"),
            count(backup.tables.len() as u64, "table")
        )),
        (Some(_), None) => parts.push("there is a backup that was not tried".to_owned()),
        _ => {}
    }
    if requests > 0 {
        parts.push(format!("{errors} of {} counted meanwhile failed", count(requests, "request")));
    }
    match returns {
        0 => {}
        1 => parts.push("1 automatic return".to_owned()),
        more => parts.push(format!("{more} automatic returns")),
    }
    let sentence = parts.join("; ") + ".";
    Verdict { state, sentence, since, share, returns, rows_differ, requests, errors, seconds: took }
}

fn state(facts: &Facts<'_>) -> State {
    if facts.held {
        return State::Running;
    }
    let Some(session) = facts.history.sessions.last() else { return State::Planned };
    let Some(exit) = session.exit else { return State::Lost };
    let of = |wanted: Exit| exit == wanted.code();
    if of(Exit::Done) {
        return state_when_done(facts.steps);
    }
    let known = [
        (Exit::Paused, State::Paused),
        (Exit::Returned, State::Returned),
        (Exit::RolledBack, State::RolledBack),
        (Exit::Refused, State::Refused),
        (Exit::Differs, State::Differs),
    ];
    known.into_iter().find(|(exit, _)| of(*exit)).map_or(State::Failed, |(_, state)| state)
}

fn state_when_done(steps: &[Step]) -> State {
    let mut shifts = steps.iter().filter(|step| step.name.starts_with("shift-")).peekable();
    let moved = shifts.peek().is_some() && shifts.all(|step| step.state == "finished");
    if moved { State::TakenOver } else { State::Prepared }
}

/// The gates go back, and the gateway does when nobody renews. Where the gateway's history is missing, the journal says
/// what the run itself saw.
fn returns(facts: &Facts<'_>) -> usize {
    let by_gateway = facts.changes.iter().filter(|change| is_return(change)).count();
    let seen = facts.decisions.iter().filter(|decision| decision.what == "return").count();
    by_gateway.max(seen)
}

/// Whether the gateway took traffic back by itself.
pub(super) fn is_return(change: &Change) -> bool {
    ["gates", "gateway"].contains(&change.who.as_str()) && change.changes.iter().any(|one| one.to < one.from)
}

/// The largest share of any family, after everything that is known.
fn share(facts: &Facts<'_>) -> Option<String> {
    let mut shares = std::collections::BTreeMap::<&str, (Timestamp, Share)>::new();
    for change in facts.changes {
        for one in &change.changes {
            shares.insert(&one.family, (change.at, one.to));
        }
    }
    for (name, curve) in facts.traffic.iter().flat_map(|traffic| &traffic.families) {
        let known = shares.get(name.as_str()).map(|(at, _)| *at);
        if let Some(last) = curve.points.last()
            && name != crate::shift::series::ALL
            && known.is_none_or(|at| last.at > at)
        {
            shares.insert(name, (last.at, last.share));
        }
    }
    if let Some((_, share)) = shares.values().max_by_key(|(_, share)| *share) {
        return Some(share.to_string());
    }
    let confirmed = facts.steps.iter().rev().find(|step| step.name.starts_with("shift-") && step.state == "finished");
    confirmed.and_then(|step| step.facts.get("share")?.as_str().map(str::to_owned))
}

fn rows_differ(facts: &Facts<'_>) -> Option<u64> {
    facts.backup.and_then(|backup| backup.trial.as_ref()).filter(|trial| trial.of_this).map(|_| 0)
}

fn since(facts: &Facts<'_>, state: State) -> Option<Timestamp> {
    let last = facts.history.sessions.last();
    if state == State::TakenOver {
        // Not since it was looked at again, but since the last step was done.
        let done = facts.history.attempts.iter().rev().find(|attempt| {
            attempt.step.starts_with("shift-") && matches!(attempt.outcome, Outcome::Done | Outcome::Already)
        });
        return done.map(|attempt| end(attempt.began_at, attempt.seconds));
    }
    if state == State::Running { last.map(|session| session.opened_at) } else { last.map(|session| session.ended_at) }
}

fn end(at: Timestamp, seconds: f64) -> Timestamp {
    at.checked_add(jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default()).unwrap_or(at)
}

fn head(facts: &Facts<'_>, state: State, since: Option<Timestamp>, share: Option<&str>) -> String {
    let at = since.map(utc).unwrap_or_default();
    let now = share.map(|share| format!(", {share} of the people are on the new side")).unwrap_or_default();
    let last = facts.history.attempts.last();
    let step = last.map_or("the beginning", |attempt| attempt.step.as_str());
    let why = last.and_then(|attempt| attempt.error.clone()).map(|error| format!(": {error}")).unwrap_or_default();
    match state {
        State::Planned => "Planned, and nothing was done yet".to_owned(),
        State::Running => format!("Under way since {at}, at {step}{now}"),
        State::Prepared => format!("Prepared {at}: everything before traffic is done, and none was moved"),
        State::TakenOver if share.is_some_and(|share| share != "100%") => {
            format!("Was taken over {at}, and traffic has gone back since{now}")
        }
        State::TakenOver => {
            let whole = facts.history.sessions.first().map(|first| first.opened_at).zip(since);
            let took = whole.map(|(first, last)| format!(", {} after it was begun", seconds(between(first, last))));
            format!("Taken over: 100 % of the people are on the new side since {at}{}", took.unwrap_or_default())
        }
        State::Paused => format!("Stopped in order {at}, at {step}{now}"),
        State::Returned => format!("Returned {at}: the gateway took the traffic back at {step}{}{now}", reason(facts)),
        State::RolledBack => format!("Rolled back {at}: the old services serve{now}"),
        State::Refused => format!("Refused {at}, at {step}{why}{now}"),
        State::Differs => format!("Differs {at}, at {step}{why}{now}"),
        State::Failed => format!("Failed {at}, at {step}{why}{now}"),
        State::Lost => format!("The last tool ended without a word, heard of last {at}, at {step}{now}"),
    }
}

/// What the gates said.
fn reason(facts: &Facts<'_>) -> String {
    let decision = facts.decisions.iter().rev().find(|decision| decision.what == "return");
    let text = decision.and_then(|decision| Some(format!(" from {}: {}", decision.share, decision.reason.as_ref()?)));
    text.unwrap_or_default()
}
