//! Guessing passwords is limited by failures, for each account from each address (T-65).
//!
//! An attempt takes one of ten places. Success gives it back and forgets earlier failures; failure keeps it for a
//! quarter of an hour. Places are taken before the password is looked at, so a thousand guesses at once cost ten
//! hashes; and those who wait for a place are let in as others succeed, so any number of right passwords at once all
//! get through. Nobody can lock an account for people at other addresses.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kernel::Ctx;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::UserError;

/// Failures that are forgiven.
const PLACES: usize = 10;
/// How long a failure counts.
const WINDOW: SignedDuration = SignedDuration::from_mins(15);
/// How long an attempt waits for others to finish.
const PATIENCE: Duration = Duration::from_secs(5);
/// Accounts remembered; each takes about 200 bytes.
const MOST_KEYS: usize = 50_000;

type Key = (Option<IpAddr>, String);

#[derive(Default)]
pub(crate) struct Attempts {
    known: Mutex<HashMap<Key, Arc<Record>>>,
}

struct Record {
    places: Arc<Semaphore>,
    failures: Mutex<VecDeque<Timestamp>>,
}

/// A place taken. Dropped without a verdict it is given back: whoever was interrupted did not fail.
pub(crate) struct Attempt {
    record: Arc<Record>,
    place: OwnedSemaphorePermit,
}

impl Attempts {
    /// Takes a place for an attempt at `account` from the caller's address.
    pub(crate) async fn begin(&self, cx: &Ctx, account: &str) -> Result<Attempt, UserError> {
        let record = self.record((cx.origin.ip, account.to_ascii_lowercase()), cx.now());
        let refused = || UserError::TooManyAttempts { retry_after: record.retry_after(cx.now()) };
        if record.expire(cx.now()) >= PLACES {
            return Err(refused());
        }
        let waiting = Arc::clone(&record.places).acquire_owned();
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Ok(place)) => Ok(Attempt { record, place }),
            Ok(Err(_)) | Err(_) => Err(refused()),
        }
    }

    fn record(&self, key: Key, now: Timestamp) -> Arc<Record> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEYS {
            // First those nobody failed at lately; if that is not enough, those with a single failure.
            known.retain(|_, record| Arc::strong_count(record) > 1 || record.expire(now) > 0);
            if known.len() >= MOST_KEYS {
                known.retain(|_, record| Arc::strong_count(record) > 1 || record.expire(now) > 1);
            }
        }
        Arc::clone(known.entry(key).or_insert_with(|| {
            Arc::new(Record { places: Arc::new(Semaphore::new(PLACES)), failures: Mutex::default() })
        }))
    }
}

impl Attempt {
    /// The password was right.
    pub(crate) fn succeeded(self) {
        let mut failures = self.record.failures.lock().unwrap_or_else(PoisonError::into_inner);
        self.record.places.add_permits(failures.len());
        failures.clear();
    }

    /// The password was wrong, or nobody has that name.
    pub(crate) fn failed(self, now: Timestamp) {
        let mut failures = self.record.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push_back(now);
        self.place.forget();
    }
}

impl Record {
    /// Gives back the places of old failures; returns how many still count.
    fn expire(&self, now: Timestamp) -> usize {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        while failures.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            failures.pop_front();
            self.places.add_permits(1);
        }
        failures.len()
    }

    fn retry_after(&self, now: Timestamp) -> u32 {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = failures.front().map_or(SignedDuration::ZERO, |oldest| WINDOW - now.duration_since(*oldest));
        u32::try_from(wait.as_secs()).unwrap_or(0).max(1)
    }
}
