//! The shadow: reads that clients made are asked of the other side too, and the answers compared.
//!
//! - Only GET and HEAD, never a stream, and only after the client has its whole answer.
//! - Whatever happens to the shadow costs the client nothing: it waits for nothing, keeps [`HELD`] answers of 1 MiB at
//!   most, asks [`AT_ONCE`] questions at once, and drops and counts the rest.
//! - First it learns, by asking the *same* side again, in which fields that side differs from itself ([`noise`]). Then it
//!   compares. Only the register ([`register`]) excuses a difference; the gates see every other one.
//! - While people are on the new side, only the old side's reads are mirrored ([`Question::may_ask_other`]).

mod ask;
mod capture;
pub mod compare;
mod ledger;
pub mod noise;
mod question;
pub mod register;
#[cfg(test)]
mod replay;
mod sample;
mod tally;
mod work;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use kernel::Clock;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use self::ask::{Asker, Unanswered};
pub(crate) use self::capture::Capture;
use self::capture::Captured;
use self::compare::Kind;
use self::ledger::Ledger;
pub use self::ledger::Shown;
use self::noise::Noise;
pub(crate) use self::question::Question;
use self::register::Register;
pub use self::sample::Sample;
use self::tally::Tallies;
pub use self::tally::Tally;
use crate::counters::Class;
use crate::gates::judge::Differences;
use crate::gateway::Gateway;
use crate::routes::Problem;
use crate::split::Share;

/// Answers that are kept at once, on their way or waiting.
const HELD: usize = 64;
/// Questions asked at once.
const AT_ONCE: usize = 4;
/// Pairs of answers of one side after which enough is known about noise.
pub const ENOUGH: u64 = 2000;

/// What the shadow does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing.
    #[default]
    Off,
    /// Asks the same side again.
    Learning,
    /// Asks the other side.
    Comparing,
}

struct State {
    mode: Mode,
    rate: Share,
    noise: Noise,
    ledger: Ledger,
    register: Arc<Register>,
    tallies: Arc<Tallies>,
    queue: Option<mpsc::Sender<Captured>>,
    since: Option<Timestamp>,
}

/// Everything about the shadow.
pub(crate) struct Shadow {
    /// How many of a million reads are taken; read for every request.
    rate: AtomicU32,
    held: Arc<Semaphore>,
    asker: Asker,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// What the shadow found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it does.
    pub mode: Mode,
    /// The share of reads it takes.
    pub rate: Share,
    /// Since when it does.
    pub since: Option<Timestamp>,
    /// What became of the reads.
    pub reads: Tally,
    /// Pairs of answers of one side that noise was learned from; 2,000 are enough.
    pub learned: u64,
    /// Over how many endpoints these were spread.
    pub endpoints: usize,
    /// Entries of the register.
    pub register: usize,
    /// How often each reason of the register excused a difference.
    pub intended: BTreeMap<String, u64>,
    /// Fields that one side answers differently when asked twice.
    pub noisy: Vec<Noisy>,
    /// Differences that nothing excuses, the most frequent first.
    pub differences: Vec<Shown>,
    /// Differences of further fields, which found no place in the list.
    pub left_out: u64,
}

/// A field that one side answers differently when asked twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noisy {
    /// Method and template.
    pub endpoint: String,
    /// Where.
    pub field: String,
    /// What differs.
    pub kind: Kind,
    /// In how many pairs of answers.
    pub differed: u64,
    /// Of how many.
    pub of: u64,
}

impl Shadow {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            rate: AtomicU32::new(0),
            held: Arc::new(Semaphore::new(HELD)),
            asker: Asker::default(),
            clock,
            state: Mutex::new(State {
                mode: Mode::Off,
                rate: Share::NONE,
                noise: Noise::default(),
                ledger: Ledger::default(),
                register: Arc::default(),
                tallies: Arc::default(),
                queue: None,
                since: None,
            }),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a read is taken; `random` is a random number. The first question asked of every request.
    pub(crate) fn takes(&self, class: Class, random: impl FnOnce() -> u32) -> bool {
        let rate = self.rate.load(Ordering::Relaxed);
        rate > 0 && class == Class::Read && random() % 1_000_000 < rate
    }

    /// Whether a request can be asked again at all.
    pub(crate) fn may_take(method: &http::Method, headers: &http::HeaderMap) -> bool {
        Question::may_be_asked_again(method, headers)
    }

    /// Begins to keep the answer of a read that was taken.
    pub(crate) fn capture(&self, question: Question) -> Option<Box<Capture>> {
        let state = self.state();
        if state.mode == Mode::Comparing && !question.may_ask_other() {
            return None;
        }
        let queue = state.queue.clone()?;
        let tallies = Arc::clone(&state.tallies);
        drop(state);
        tallies.sampled.add();
        let Ok(permit) = Arc::clone(&self.held).try_acquire_owned() else {
            tallies.dropped.add();
            return None;
        };
        Some(Box::new(Capture::new(question, permit, queue, tallies)))
    }

    /// What the gates get to see; nothing unless the shadow compares.
    pub(crate) fn differences(&self, family: &str) -> Option<Differences> {
        let mut state = self.state();
        (state.mode == Mode::Comparing).then(|| state.ledger.lately(family, Instant::now()))
    }

    /// What was found of a family until now is nothing for the gates any more; it stays in the report.
    pub(crate) fn forget(&self, family: &str) {
        self.state().ledger.forget(family);
    }

    pub(crate) fn report(&self, with_values: bool) -> Report {
        let state = self.state();
        let noisy = state.noise.noisy().map(|(endpoint, field, kind, differed, of)| Noisy {
            endpoint: endpoint.to_owned(),
            field: field.to_owned(),
            kind,
            differed,
            of,
        });
        Report {
            mode: state.mode,
            rate: state.rate,
            since: state.since,
            reads: state.tallies.read(),
            learned: state.noise.learned(),
            endpoints: state.noise.endpoints(),
            register: state.register.len(),
            intended: state.ledger.intended().clone(),
            noisy: noisy.collect(),
            differences: state.ledger.shown(with_values),
            left_out: state.ledger.left_out(),
        }
    }
}

impl Gateway {
    /// Lets the shadow learn or compare, at a rate.
    ///
    /// # Errors
    ///
    /// Why it does not, with the remedy.
    pub(crate) fn start_shadow(self: &Arc<Self>, mode: Mode, rate: Share, anyway: bool) -> Result<(), String> {
        if rate == Share::NONE {
            return Err("a rate of 0% takes no reads: say more, or stop the shadow".to_owned());
        }
        let mut state = self.shadow.state();
        let learned = state.noise.learned();
        if mode == Mode::Comparing && learned < ENOUGH && !anyway {
            return Err(format!(
                "only {learned} of {ENOUGH} reads were asked twice of one side, so noise would look like differences: \
                 let it learn first, or send \"anyway\": true"
            ));
        }
        let (queue, captured) = mpsc::channel(HELD);
        if mode == Mode::Learning {
            state.noise = Noise::default();
        }
        state.ledger = Ledger::default();
        state.tallies = Arc::default();
        (state.mode, state.rate, state.queue, state.since) = (mode, rate, Some(queue), Some(self.shadow.clock.now()));
        drop(state);
        self.shadow.rate.store(rate.millionths(), Ordering::Relaxed);
        // The one before ends when its queue is dropped and empty.
        tokio::spawn(Arc::clone(self).work(captured, mode));
        Ok(())
    }

    /// Stops the shadow; what it knows stays.
    pub(crate) fn stop_shadow(&self) {
        self.shadow.rate.store(0, Ordering::Relaxed);
        let mut state = self.shadow.state();
        state.mode = Mode::Off;
        state.queue = None;
    }

    /// What the shadow found; values are shown on request, apart from secrets.
    pub fn shadow_report(&self, with_values: bool) -> Report {
        self.shadow.report(with_values)
    }

    /// Puts a register of intended differences in force.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; the one in force stays.
    pub fn set_register(&self, text: &str) -> Result<(), Vec<Problem>> {
        let register = Register::parse(text)?;
        tracing::info!(entries = register.len(), "a new register of intended differences is in force");
        self.shadow.state().register = Arc::new(register);
        Ok(())
    }

    async fn work(self: Arc<Self>, mut captured: mpsc::Receiver<Captured>, mode: Mode) {
        let mut asking = JoinSet::new();
        while let Some(one) = captured.recv().await {
            while asking.len() >= AT_ONCE {
                asking.join_next().await;
            }
            let gateway = Arc::clone(&self);
            asking.spawn(async move {
                let tallies = Arc::clone(&gateway.shadow.state().tallies);
                let outcome = match mode {
                    Mode::Learning => gateway.shadow.learn(&one, &tallies).await,
                    Mode::Comparing => gateway.shadow.compare(&one, &tallies).await,
                    Mode::Off => Ok(()),
                };
                match outcome {
                    Ok(()) => {}
                    Err(Unanswered::Nothing | Unanswered::Broken) => tallies.unanswered.add(),
                    Err(Unanswered::TooLarge) => tallies.too_large.add(),
                    Err(Unanswered::Encoded) => tallies.encoded.add(),
                }
            });
        }
        asking.join_all().await;
    }
}
