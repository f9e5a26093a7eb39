//! Guessing passwords is limited by failures, for each account from each address (T-65).
//!
//! An attempt takes one of ten places. Success gives it back and forgets earlier failures; failure keeps it for a
//! quarter of an hour. Places are taken before the password is looked at, so a thousand guesses at once cost ten
//! hashes; and those who wait for a place are let in as others succeed, so any number of right passwords at once all
//! get through. Nobody can lock an account for people at other addresses.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kernel::Ctx;
use tokio::sync::Notify;

use crate::UserError;

/// Failures that are forgiven.
const PLACES: usize = 10;
/// How long a failure counts.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// How long an attempt waits for others to finish.
const PATIENCE: Duration = Duration::from_secs(10);
/// Accounts remembered; each takes about 200 bytes.
const MOST_KEYS: usize = 50_000;

type Key = (Option<IpAddr>, String);

#[derive(Default)]
pub(crate) struct Attempts {
    known: Mutex<HashMap<Key, Arc<Account>>>,
}

/// One account from one address.
#[derive(Default)]
struct Account {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    under_way: usize,
    failures: VecDeque<Timestamp>,
}

/// A place taken. Dropped without a verdict it is given back: whoever was interrupted did not fail.
pub(crate) struct Attempt(Arc<Account>);

impl Attempts {
    /// Takes a place for an attempt at `account` from the caller's address.
    pub(crate) async fn begin(&self, cx: &Ctx, account: &str) -> Result<Attempt, UserError> {
        let account = self.account((cx.origin.ip, account.to_ascii_lowercase()), cx.now());
        let place = async {
            loop {
                // Registered before looking, so that a change in between is not missed.
                let changed = account.changed.notified();
                if let Some(verdict) = account.try_begin(cx.now()) {
                    return verdict;
                }
                changed.await;
            }
        };
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(())) => Ok(Attempt(account)),
            Ok(Err(retry_after)) => Err(UserError::TooManyAttempts { retry_after }),
            Err(_) => Err(UserError::TooManyAttempts { retry_after: 1 }),
        }
    }

    fn account(&self, key: Key, now: Timestamp) -> Arc<Account> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEYS {
            // First those nobody failed at lately; if that is not enough, those with a single failure.
            for forgiven in [0, 1] {
                if known.len() >= MOST_KEYS {
                    known.retain(|_, account| Arc::strong_count(account) > 1 || account.failures(now) > forgiven);
                }
            }
        }
        Arc::clone(known.entry(key).or_default())
    }
}

impl Attempt {
    /// The password was right.
    pub(crate) fn succeeded(self) {
        self.0.lock().failures.clear();
    }

    /// The password was wrong, or nobody has that name.
    pub(crate) fn failed(self, now: Timestamp) {
        self.0.lock().failures.push_back(now);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, or the seconds until there is one; `None` while it depends on attempts under way.
    fn try_begin(&self, now: Timestamp) -> Option<Result<(), u32>> {
        let mut state = self.lock();
        state.expire(now);
        if let Some(oldest) = state.failures.front().filter(|_| state.failures.len() >= PLACES) {
            let wait = WINDOW - now.duration_since(*oldest);
            return Some(Err(u32::try_from(wait.as_secs()).unwrap_or(0).max(1)));
        }
        (state.failures.len() + state.under_way < PLACES).then(|| {
            state.under_way += 1;
            Ok(())
        })
    }

    fn failures(&self, now: Timestamp) -> usize {
        let mut state = self.lock();
        state.expire(now);
        state.failures.len()
    }
}

impl State {
    fn expire(&mut self, now: Timestamp) {
        while self.failures.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.failures.pop_front();
        }
    }
}
