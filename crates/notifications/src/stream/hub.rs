//! Who is connected to this process, and whose rows are to be read.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::UserId;
use tokio::sync::Notify;

use super::Connection;

/// The streams of this process. Its lock is never held together with a connection's.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    state: Mutex<State>,
    turns: AtomicUsize,
    /// Told when somebody's rows are to be read.
    pub(super) woken: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Whether somebody serves the streams.
    open: bool,
    people: HashMap<UserId, Vec<Arc<Connection>>>,
    changed: HashSet<UserId>,
}

/// The time in which streams are served. Its end is theirs, however it comes.
pub(super) struct Open<'a>(&'a Hub);

impl Hub {
    pub(super) fn open(&self) -> Open<'_> {
        self.lock().open = true;
        Open(self)
    }

    /// The next stream's number.
    pub(crate) fn turn(&self) -> usize {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn join(&self, connection: &Arc<Connection>) {
        let user = connection.reader.listener.user;
        let mut state = self.lock();
        if state.open {
            state.people.entry(user).or_default().push(Arc::clone(connection));
            // What was written between reading the feed's state and this moment nobody else would tell of.
            state.changed.insert(user);
            drop(state);
            self.woken.notify_one();
        } else {
            drop(state);
            connection.end();
        }
    }

    pub(super) fn leave(&self, connection: &Arc<Connection>) {
        let user = connection.reader.listener.user;
        let mut state = self.lock();
        let Some(connections) = state.people.get_mut(&user) else { return };
        if let Some(at) = connections.iter().position(|one| Arc::ptr_eq(one, connection)) {
            connections.swap_remove(at);
        }
        if connections.is_empty() {
            state.people.remove(&user);
        }
    }

    /// The feeds of these people are not what they were.
    pub(super) fn changed(&self, people: impl IntoIterator<Item = UserId>) {
        let mut state = self.lock();
        let State { people: connected, changed, .. } = &mut *state;
        changed.extend(people.into_iter().filter(|user| connected.contains_key(user)));
        let any = !changed.is_empty();
        drop(state);
        if any {
            self.woken.notify_one();
        }
    }

    /// Anything may have happened to anybody's.
    pub(super) fn all_changed(&self) {
        let people: Vec<UserId> = self.lock().people.keys().copied().collect();
        self.changed(people);
    }

    /// The streams of everybody whose feed has changed, each to be asked once.
    pub(super) fn take_changed(&self) -> Vec<Arc<Connection>> {
        let mut state = self.lock();
        let changed = std::mem::take(&mut state.changed);
        changed.iter().filter_map(|user| state.people.get(user)).flatten().cloned().collect()
    }

    pub(super) fn everybody(&self) -> Vec<Arc<Connection>> {
        self.lock().people.values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.lock().open = false;
        for connection in self.0.everybody() {
            connection.end();
        }
    }
}
