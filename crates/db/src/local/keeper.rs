//! The thread that a server is a child of.
//!
//! The signal at the parent's death follows the thread that forked, not the process, so this thread lives for as long
//! as the server does. It also is the only one to reap, which keeps signals from ever reaching a reused number.

use std::{
    io,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid},
};

use super::quit;

/// What the server is expected to be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its end is reported by whoever waits for it.
    Starting,
    /// Its end is nobody's wish.
    Serving,
    /// Its end is what everyone waits for.
    Stopping,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    exit: Option<ExitStatus>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

/// A handle on the thread and its child.
#[derive(Debug)]
pub(super) struct Keeper {
    shared: Arc<Shared>,
    pid: Pid,
}

impl Keeper {
    /// Runs `command` as the child of a new thread.
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        let shared =
            Arc::new(Shared { state: Mutex::new(State { phase: Phase::Starting, exit: None }), ended: Condvar::new() });
        let (report, spawned) = mpsc::sync_channel(1);
        let theirs = Arc::clone(&shared);
        let mut start = move || {
            quit::not_ignored_by_children()?;
            command.spawn()
        };
        thread::Builder::new().name("local-postgresql".into()).spawn(move || match start() {
            Ok(child) => {
                let pid = Pid::from_child(&child);
                // The other end waits for exactly this.
                let _ = report.send(Ok(pid));
                keep(&theirs, pid, child);
            }
            Err(error) => {
                let _ = report.send(Err(error));
            }
        })?;
        let pid = spawned.recv().map_err(io::Error::other)??;
        Ok(Self { shared, pid })
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.shared.lock().phase = phase;
    }

    /// How the server ended, if it has.
    pub(super) fn exit(&self) -> Option<ExitStatus> {
        self.shared.lock().exit
    }

    /// Sends a signal unless the server has ended.
    pub(super) fn signal(&self, signal: Signal) {
        let state = self.shared.lock();
        if state.exit.is_none() {
            // The thread reaps under the same lock: the number is still this server's.
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Waits for the end, at most `timeout`.
    pub(super) fn wait(&self, timeout: Duration) -> Option<ExitStatus> {
        let state = self.shared.lock();
        let result = self.shared.ended.wait_timeout_while(state, timeout, |state| state.exit.is_none());
        result.unwrap_or_else(PoisonError::into_inner).0.exit
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(shared: &Shared, pid: Pid, mut child: Child) {
    // Without reaping: until the lock is held, the number must stay taken.
    while let Err(Errno::INTR) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
    let mut state = shared.lock();
    state.exit = Some(child.wait().unwrap_or_default());
    let State { phase, exit } = *state;
    drop(state);
    shared.ended.notify_all();
    if let (Phase::Serving, Some(status)) = (phase, exit) {
        tracing::error!(pid = pid.as_raw_pid(), %status, "the local PostgreSQL ended unexpectedly");
    }
}
