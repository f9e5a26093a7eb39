//! Control: who moves traffic, by which rules, and over which socket.

pub mod client;
pub mod history;
pub(crate) mod kept;
pub mod socket;
pub mod state;
mod status;
pub(crate) mod there;
pub mod view;

use std::sync::PoisonError;
use std::time::Instant;

use self::history::Entry;
use self::state::{Change, Command, Control, Refusal, Scope};
use crate::gateway::Gateway;

/// Does what is asked for and puts it in force. Every change is logged with who and why.
pub(crate) fn apply(
    gateway: &Gateway,
    scope: &Scope,
    command: &Command,
    who: &str,
    why: &str,
) -> Result<Vec<Change>, Refusal> {
    let mut control = gateway.control.lock().unwrap_or_else(PoisonError::into_inner);
    let frozen = control.frozen();
    let changes = control.apply(scope, command, Instant::now())?;
    // Under the lock, so that two commands cannot overtake each other on the way to the atomic values.
    put_in_force(gateway, &changes);
    keep(gateway, &control);
    let shown = control.show(Instant::now());
    drop(control);
    // A fault is seldom that of one family: who was taken back beside a frozen one had it too.
    if *command == Command::Thaw && frozen.iter().any(|name| scope.has(name)) {
        shown.keys().filter(|name| scope.has(name)).for_each(|name| gateway.forget(name));
    }
    if matches!(command, Command::Set(_) | Command::Renew) {
        let held = shown.iter().filter(|(name, shown)| scope.has(name) && shown.lease_seconds.is_some());
        let mut history = gateway.history.lock().unwrap_or_else(PoisonError::into_inner);
        history.holds(who, held.map(|(name, _)| name.as_str()));
    }
    if *command != Command::Renew {
        tracing::info!(who, why, command = ?command, scope = ?scope, "control");
        remember(gateway, who, why, &command.to_string(), Some(scope.name()), &changes);
    }
    for Change { family, from, to } in &changes {
        tracing::info!(who, why, family, from = %from, to = %to, "share changed");
    }
    Ok(changes)
}

/// Takes shares back whose lease is over at `now`.
pub(crate) fn end_leases(gateway: &Gateway, now: Instant) {
    let mut control = gateway.control.lock().unwrap_or_else(PoisonError::into_inner);
    let changes = control.expire(now);
    put_in_force(gateway, &changes);
    drop(control);
    for Change { family, from, to } in &changes {
        tracing::warn!(family, from = %from, to = %to, "nobody renewed the lease, back to the safe share");
    }
    if !changes.is_empty() {
        let entry = Entry::end_of_lease(gateway.clock.now(), changes);
        gateway.history.lock().unwrap_or_else(PoisonError::into_inner).add(entry);
    }
}

/// For whoever looks later.
pub(crate) fn remember(gateway: &Gateway, who: &str, why: &str, what: &str, family: Option<&str>, changes: &[Change]) {
    gateway.history.lock().unwrap_or_else(PoisonError::into_inner).add(Entry {
        at: gateway.clock.now(),
        who: who.to_owned(),
        why: why.to_owned(),
        what: what.to_owned(),
        family: family.map(str::to_owned),
        changes: changes.to_vec(),
    });
}

fn put_in_force(gateway: &Gateway, changes: &[Change]) {
    let live = gateway.live();
    for change in changes {
        if let Some(family) = live.table.family(&change.family) {
            family.weight.set(change.to);
        }
    }
}

fn keep(gateway: &Gateway, control: &Control) {
    if let Some(keeper) = &gateway.keeper {
        keeper.lock().unwrap_or_else(PoisonError::into_inner).keep(control.kept());
    }
}
