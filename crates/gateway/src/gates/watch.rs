//! What a failed gate leads to. A small state for each family; the time and everything else is an argument.
//!
//! ```text
//!             failed once            failed again, armed            failed twice more within a minute
//!   Quiet  ----------------> Suspect --------------------> Returned ---------------------------------> Gone
//!     ^                         |     to the safe share        |        nobody is on the new side
//!     '-------- did not --------'                              '--- a share is set ---> Quiet
//! ```

use std::time::{Duration, Instant};

use serde::Serialize;

use super::Verdict;
use crate::split::Share;

/// A fault that is there still so soon after going back is one for the people on the safe share too.
const AFTERWARDS: Duration = Duration::from_mins(1);

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// No gate fails.
    #[default]
    Quiet,
    /// A gate failed at the last look, and not yet twice.
    Suspect {
        /// Which, and how.
        #[serde(rename = "because")]
        reason: String,
    },
    /// Gates fail, and nothing was done, because nothing may be or there is nothing to go back from.
    Failing {
        /// Which, and how.
        #[serde(rename = "because")]
        reason: String,
    },
    /// A gate failed, and the safe share is in force.
    Returned {
        /// Which, and how.
        #[serde(rename = "because")]
        reason: String,
        /// When, for the minute after.
        #[serde(skip)]
        at: Instant,
        /// Whether it failed once more since.
        again: bool,
    },
    /// It went on failing, and nobody is on the new side any more.
    Gone {
        /// Which, and how.
        #[serde(rename = "because")]
        reason: String,
    },
}

impl State {
    /// As it is written in answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Suspect { .. } => "suspect",
            Self::Failing { .. } => "failing",
            Self::Returned { .. } => "returned",
            Self::Gone { .. } => "gone",
        }
    }

    /// What brought it there.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Quiet => None,
            Self::Suspect { reason }
            | Self::Failing { reason }
            | Self::Returned { reason, .. }
            | Self::Gone { reason } => Some(reason),
        }
    }
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The safe share is to be put in force.
    ToSafe(String),
    /// Nobody may stay on the new side.
    ToNobody(String),
    /// Somebody has to be told, because nothing is done.
    Tell(String),
}

/// One family.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Whether a failure returns the traffic.
    pub armed: bool,
    /// How far it has come.
    pub state: State,
}

impl Default for Watch {
    fn default() -> Self {
        Self { armed: true, state: State::Quiet }
    }
}

impl Watch {
    /// One look, once a second. `share` is in force and `safe` can be gone back to; `may_return` says whether anybody
    /// answers on the old side.
    pub fn look(
        &mut self,
        verdict: &Verdict,
        share: Share,
        safe: Share,
        may_return: bool,
        now: Instant,
    ) -> Option<Action> {
        // Whoever raises the share again begins anew.
        if matches!(self.state, State::Returned { .. }) && share > safe
            || matches!(self.state, State::Gone { .. }) && share > Share::NONE
        {
            self.state = State::Quiet;
        }
        let Verdict::Fail(reason) = verdict else {
            match &mut self.state {
                State::Returned { again, .. } => *again = false,
                State::Gone { .. } => {}
                state => *state = State::Quiet,
            }
            return None;
        };
        let reason = reason.clone();
        match &mut self.state {
            State::Quiet => {
                self.state = State::Suspect { reason };
                None
            }
            State::Suspect { .. } | State::Failing { .. } if self.armed && may_return && share > safe => {
                self.state = State::Returned { reason: reason.clone(), at: now, again: false };
                Some(Action::ToSafe(reason))
            }
            State::Suspect { .. } => {
                self.state = State::Failing { reason: reason.clone() };
                Some(Action::Tell(reason))
            }
            State::Returned { at, again, .. } if now.duration_since(*at) < AFTERWARDS && share > Share::NONE => {
                if !*again {
                    *again = true;
                    return None;
                }
                if !(self.armed && may_return) {
                    return None;
                }
                self.state = State::Gone { reason: reason.clone() };
                Some(Action::ToNobody(reason))
            }
            State::Failing { .. } | State::Returned { .. } | State::Gone { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Action, State, Watch};
    use crate::gates::Verdict;
    use crate::split::Share;

    fn percent(percent: u32) -> Share {
        Share::from_basis_points(percent * 100)
    }

    fn fail() -> Verdict {
        Verdict::Fail("x".to_owned())
    }

    #[test]
    fn one_failure_is_none_and_two_in_a_row_return_once() {
        let (mut watch, now) = (Watch::default(), Instant::now());
        let mut look = |verdict: &Verdict, share| watch.look(verdict, percent(share), percent(1), true, now);
        assert_eq!(look(&fail(), 10), None);
        assert_eq!(look(&Verdict::Hold(String::new()), 10), None);
        assert_eq!(look(&fail(), 10), None, "not in a row");
        assert_eq!(look(&fail(), 10), Some(Action::ToSafe("x".to_owned())));
        assert_eq!(look(&Verdict::Pass, 1), None);
        assert_eq!(look(&fail(), 1), None);
        assert_eq!(look(&Verdict::Pass, 1), None);
        assert_eq!(look(&fail(), 10), None, "raised again, so it begins anew");
        assert!(look(&fail(), 10).is_some());
    }

    #[test]
    fn fault_that_stays_after_the_return_takes_the_rest_too_but_not_an_hour_later() {
        let (mut watch, start) = (Watch::default(), Instant::now());
        let mut look = |share, seconds| {
            watch.look(&fail(), percent(share), percent(1), true, start + Duration::from_secs(seconds))
        };
        assert_eq!([look(50, 0), look(50, 1)], [None, Some(Action::ToSafe("x".to_owned()))]);
        assert_eq!([look(1, 3), look(1, 4)], [None, Some(Action::ToNobody("x".to_owned()))]);
        assert_eq!(look(0, 5), None);
        let mut watch =
            Watch { state: State::Returned { reason: String::new(), at: start, again: false }, armed: true };
        for seconds in [3600, 3601, 3602] {
            assert_eq!(watch.look(&fail(), percent(1), percent(1), true, start + Duration::from_secs(seconds)), None);
        }
    }

    #[test]
    fn nothing_is_done_but_told_once_when_disarmed_or_when_nobody_answers_on_the_old_side() {
        for (armed, may_return) in [(false, true), (true, false)] {
            let mut watch = Watch { armed, ..Watch::default() };
            let actions: Vec<_> = (0..5)
                .filter_map(|_| watch.look(&fail(), percent(10), percent(0), may_return, Instant::now()))
                .collect();
            assert_eq!(actions, [Action::Tell("x".to_owned())]);
            watch.armed = true;
            let back = watch.look(&fail(), percent(10), percent(0), true, Instant::now());
            assert_eq!(back, Some(Action::ToSafe("x".to_owned())), "as soon as it may be");
        }
    }
}
