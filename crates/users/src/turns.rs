//! One at a time, by name, within this process. Only to save work: what must hold across replicas is held by the
//! database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

/// Held until dropped; then the next of the same name goes on.
pub(crate) struct Turn<'a> {
    turns: &'a Turns,
    name: String,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    /// Waits until nobody else holds `name`.
    pub(crate) async fn take(&self, name: String) -> Turn<'_> {
        let lock = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(held.entry(name.clone()).or_default())
        };
        let guard = lock.lock_owned().await;
        Turn { turns: self, name, guard: Some(guard) }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut held = self.turns.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever waits holds a share of it.
        if held.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            held.remove(&self.name);
        }
    }
}
