//! Asking somebody whose answer is welcome and not needed.

use std::fmt::Display;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long nothing is asked after there was no answer. Then one is asked, and the others wait for how that goes.
const PAUSE: Duration = Duration::from_secs(2);

/// Asks as long as there are answers. Without, one request in [`PAUSE`] waits in vain, and the others do not wait.
pub struct Breaker {
    what: &'static str,
    patience: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    broken: bool,
    ask_after: Option<Instant>,
}

impl Breaker {
    /// `what` is asked, for the log; an answer is waited for as long as `patience`.
    pub fn new(what: &'static str, patience: Duration) -> Self {
        Self { what, patience, state: Mutex::default() }
    }

    /// The answer; `None` when there is none now.
    pub async fn ask<T, E: Display>(&self, question: impl Future<Output = Result<T, E>>) -> Option<T> {
        if !self.may_ask() {
            return None;
        }
        match tokio::time::timeout(self.patience, question).await {
            Ok(Ok(answer)) => {
                self.answered();
                Some(answer)
            }
            Ok(Err(error)) => self.failed(&error),
            Err(_) => self.failed(&"no answer in time"),
        }
    }

    fn may_ask(&self) -> bool {
        let (mut state, now) = (self.lock(), Instant::now());
        if state.ask_after.is_some_and(|after| now < after) {
            return false;
        }
        if state.broken {
            state.ask_after = Some(now + PAUSE);
        }
        true
    }

    fn answered(&self) {
        let mut state = self.lock();
        if state.broken {
            tracing::info!(what = self.what, "answers again");
        }
        *state = State::default();
    }

    fn failed<T>(&self, error: &dyn Display) -> Option<T> {
        let mut state = self.lock();
        if !state.broken {
            tracing::warn!(what = self.what, %error, "does not answer; it is done without");
        }
        *state = State { broken: true, ask_after: Some(Instant::now() + PAUSE) };
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn silence_costs_one_wait_and_then_none_until_there_are_answers_again() {
        let breaker = Breaker::new("a test", Duration::from_millis(100));
        assert_eq!(breaker.ask(ready(Ok::<_, String>(7))).await, Some(7));
        let began = Instant::now();
        assert_eq!(breaker.ask(pending::<Result<u8, String>>()).await, None);
        let asked = AtomicU32::new(0);
        for _ in 0..1_000 {
            let question = async {
                asked.fetch_add(1, Ordering::Relaxed);
                pending::<Result<u8, String>>().await
            };
            assert_eq!(breaker.ask(question).await, None);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
        breaker.lock().ask_after = Some(Instant::now());
        assert_eq!(breaker.ask(ready(Err::<u8, _>("away"))).await, None);
        assert_eq!(breaker.ask(ready(Ok::<_, String>(7))).await, None, "not asked so soon");
        breaker.lock().ask_after = Some(Instant::now());
        for _ in 0..2 {
            assert_eq!(breaker.ask(ready(Ok::<_, String>(7))).await, Some(7));
        }
    }
}
