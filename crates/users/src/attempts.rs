//! Guessing passwords is limited by failures, for each account from each address (T-65).
//!
//! An attempt takes one of a few places, ten unless told otherwise. Success gives it back and forgets earlier failures; failure keeps it for a
//! quarter of an hour. Places are taken before the password is looked at, so a thousand guesses at once cost
//! ten hashes; and those who wait for a place are let in as others succeed, so any number of right passwords at once all
//! get through. Nobody can lock an account for people at other addresses.
//!
//! With Redis the replicas share the places. While it is away each counts by itself, and what it counted so goes on
//! counting there; nobody waits for Redis.

mod shared;

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kernel::Ctx;
use redis::aio::ConnectionManager;
use tokio::sync::Notify;
use web::Breaker;

use self::shared::{Begun, Place, SharedAttempts};
use crate::UserError;

/// How long a failure counts.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// How long an attempt waits for others to finish.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before asking again whether there is a place on all replicas.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Accounts remembered; each takes about 200 bytes.
const MOST_KEYS: usize = 50_000;

type Key = (Option<IpAddr>, String);

pub(crate) struct Attempts {
    /// Failures that are forgiven.
    places: usize,
    known: Mutex<HashMap<Key, Arc<Account>>>,
    shared: Option<Arc<SharedAttempts>>,
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
pub(crate) struct Attempt {
    account: Arc<Account>,
    /// Among all replicas; `None` without Redis, and once there is a verdict.
    place: Option<Place>,
}

impl Attempts {
    pub(crate) fn new(places: u16, redis: Option<ConnectionManager>, breaker: Arc<Breaker>) -> Self {
        let shared = redis.map(|redis| SharedAttempts::new(redis, breaker));
        Self { places: usize::from(places.max(1)), known: Mutex::default(), shared }
    }

    /// Takes a place for an attempt at `account` from the caller's address.
    pub(crate) async fn begin(&self, cx: &Ctx, account: &str) -> Result<Attempt, UserError> {
        let key = (cx.origin.ip, account.to_ascii_lowercase());
        let account = self.account(key.clone(), cx.now());
        let place = async {
            loop {
                // Registered before looking, so that a change in between is not missed.
                let changed = account.changed.notified();
                if let Some(verdict) = account.try_begin(cx.now(), self.places) {
                    verdict?;
                    break;
                }
                changed.await;
            }
            // Dropped from here on, it gives its place on this replica back.
            let mut attempt = Attempt { account: Arc::clone(&account), place: None };
            attempt.place = self.share(cx, &key).await?;
            Ok(attempt)
        };
        match tokio::time::timeout(PATIENCE, place).await {
            Ok(Ok(attempt)) => Ok(attempt),
            Ok(Err(retry_after)) => Err(UserError::TooManyAttempts { retry_after }),
            Err(_) => Err(UserError::TooManyAttempts { retry_after: 1 }),
        }
    }

    /// Takes a place among all replicas; `None` when there is nothing to share, or the seconds until there is one.
    async fn share(&self, cx: &Ctx, key: &Key) -> Result<Option<Place>, u32> {
        let Some(shared) = &self.shared else { return Ok(None) };
        loop {
            match shared.begin(cx, key, self.places).await {
                Begun::Place(place) => return Ok(Some(place)),
                Begun::Unknown => return Ok(None),
                Begun::Refused(seconds) => return Err(seconds),
                Begun::Wait => tokio::time::sleep(ASK_AGAIN).await,
            }
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
    pub(crate) async fn succeeded(mut self) {
        self.account.lock().failures.clear();
        if let Some(place) = self.place.take() {
            place.succeeded().await;
        }
    }

    /// The password was wrong, or nobody has that name.
    pub(crate) async fn failed(mut self, now: Timestamp) {
        if let Some(place) = self.place.take()
            && place.failed(now).await
        {
            return;
        }
        self.account.lock().failures.push_back(now);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.account.lock().under_way -= 1;
        self.account.changed.notify_waiters();
        if let (Some(place), Ok(runtime)) = (self.place.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { place.give_back().await });
        }
    }
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, or the seconds until there is one; `None` while it depends on attempts under way.
    fn try_begin(&self, now: Timestamp, places: usize) -> Option<Result<(), u32>> {
        let mut state = self.lock();
        state.expire(now);
        if let Some(oldest) = state.failures.front().filter(|_| state.failures.len() >= places) {
            let wait = WINDOW - now.duration_since(*oldest);
            return Some(Err(u32::try_from(wait.as_secs()).unwrap_or(0).max(1)));
        }
        (state.failures.len() + state.under_way < places).then(|| {
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
