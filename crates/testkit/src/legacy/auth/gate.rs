//! Holds a log-in between its read and its write, so that a test can change the row in between (T-30).

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{RwLock, RwLockWriteGuard};

/// Open unless somebody holds it shut.
#[derive(Debug, Default)]
pub struct Gate {
    lock: RwLock<()>,
    waiting: AtomicUsize,
}

/// Keeps the gate shut until it is dropped.
#[derive(Debug)]
pub struct Shut<'a>(#[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'a, ()>);

impl Gate {
    /// Shuts it. Log-ins that have read their row wait until the guard is dropped.
    pub async fn shut(&self) -> Shut<'_> {
        Shut(self.lock.write().await)
    }

    /// How many log-ins wait before it.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(super) async fn pass(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        drop(self.lock.read().await);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}
