//! The journal's records as sessions, attempts at steps, and pauses.

use jiff::Timestamp;

use super::model::{Attempt, Called, Outcome, Session};
use crate::Exit;
use crate::journal::{Entry, Record};

/// Time during which a run waited because somebody asked it to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wait {
    pub(super) step: String,
    pub(super) at: Timestamp,
    pub(super) seconds: f64,
}

/// What the records say.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) attempts: Vec<Attempt>,
    pub(super) sessions: Vec<Session>,
    pub(super) waits: Vec<Wait>,
}

/// Seconds between two moments; none if the clock went back.
pub(super) fn between(from: Timestamp, to: Timestamp) -> f64 {
    exact(to.duration_since(from).as_secs_f64().max(0.0))
}

/// Whole microseconds: what clocks here count in, and short enough to be read from JSON as it was written.
pub(super) fn exact(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

/// `held` says whether a tool holds the run now.
pub(super) fn history(records: &[Record], held: bool) -> History {
    let mut told = Teller::default();
    for (at, record) in records.iter().enumerate() {
        told.tell(record, records.get(at + 1));
    }
    if let Some(last) = records.last() {
        let outcome = if held { Outcome::Running } else { Outcome::Lost };
        told.end(last.at, outcome, None);
    }
    told.history
}

#[derive(Default)]
struct Teller {
    history: History,
    open: Option<Attempt>,
    pause: Option<Wait>,
    last: Option<Timestamp>,
}

impl Teller {
    fn tell(&mut self, record: &Record, next: Option<&Record>) {
        let at = record.at;
        self.call_ends(at);
        match &record.entry {
            Entry::Opened { holder, token, program } => {
                self.end(self.last.unwrap_or(at), Outcome::Lost, None);
                self.history.sessions.push(Session {
                    holder: holder.clone(),
                    token: *token,
                    program: program.clone(),
                    opened_at: at,
                    ended_at: at,
                    exit: None,
                });
            }
            Entry::Clearing { step } | Entry::Undoing { step } => {
                self.end(at, Outcome::Lost, None);
                self.begin(step, at);
            }
            Entry::Started { step } => self.of(step, at),
            Entry::Calling { step, call } => {
                self.of(step, at);
                if let Some(open) = &mut self.open {
                    open.calls.push(Called { at, seconds: -1.0, what: call.to_string() });
                }
            }
            Entry::Finished { step, already, .. } => {
                self.of(step, at);
                self.end(at, if *already { Outcome::Already } else { Outcome::Done }, None);
            }
            Entry::Failed { step, error } | Entry::Refused { step, error } => {
                self.of(step, at);
                let refused = matches!(record.entry, Entry::Refused { .. });
                self.end(at, if refused { Outcome::Refused } else { Outcome::Failed }, Some(error.clone()));
            }
            Entry::Undone { step } => {
                self.of(step, at);
                self.end(at, Outcome::Undone, None);
            }
            Entry::Paused { step } => self.paused(step, at, next),
            Entry::Resumed { .. } => {
                if let Some(mut pause) = self.pause.take() {
                    pause.seconds = between(pause.at, at);
                    self.history.waits.push(pause);
                }
            }
            Entry::Closed { exit } => {
                self.end(at, Outcome::Failed, None);
                if *exit == Exit::Returned.code()
                    && let Some(last) = self.history.attempts.last_mut()
                    && last.outcome == Outcome::Failed
                {
                    last.outcome = Outcome::Returned;
                }
                if let Some(session) = self.history.sessions.last_mut() {
                    session.exit = Some(*exit);
                }
            }
            Entry::Head { .. } | Entry::Mended { .. } | Entry::Noted { .. } | Entry::Unknown => {}
        }
        if let Some(session) = self.history.sessions.last_mut() {
            session.ended_at = at;
        }
        self.last = Some(at);
    }

    /// A tool that waits says so, and says when it goes on; one that stops says so and closes.
    fn paused(&mut self, step: &str, at: Timestamp, next: Option<&Record>) {
        match next.map(|next| &next.entry) {
            Some(Entry::Closed { .. } | Entry::Opened { .. }) => {
                self.of(step, at);
                self.end(at, Outcome::Stopped, None);
            }
            _ => self.pause = Some(Wait { step: step.to_owned(), at, seconds: 0.0 }),
        }
    }

    fn begin(&mut self, step: &str, at: Timestamp) {
        self.open = Some(Attempt {
            step: step.to_owned(),
            began_at: at,
            seconds: 0.0,
            outcome: Outcome::Lost,
            error: None,
            calls: Vec::new(),
        });
    }

    /// The attempt at this step, begun now if the journal lost its beginning.
    fn of(&mut self, step: &str, at: Timestamp) {
        if self.open.as_ref().is_none_or(|open| open.step != step) {
            self.end(at, Outcome::Lost, None);
            self.begin(step, at);
        }
    }

    fn end(&mut self, at: Timestamp, outcome: Outcome, error: Option<String>) {
        self.call_ends(at);
        if let Some(mut open) = self.open.take() {
            (open.seconds, open.outcome, open.error) = (between(open.began_at, at), outcome, error);
            self.history.attempts.push(open);
        }
    }

    fn call_ends(&mut self, at: Timestamp) {
        if let Some(call) = self.open.as_mut().and_then(|open| open.calls.last_mut())
            && call.seconds < 0.0
        {
            call.seconds = between(call.at, at);
        }
    }
}
