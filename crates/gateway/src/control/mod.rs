//! Control: who moves traffic, by which rules, and over which socket.

pub mod client;
pub(crate) mod kept;
pub mod socket;
pub mod state;
mod status;

use std::sync::PoisonError;
use std::time::Instant;

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
    let changes = control.apply(scope, command, Instant::now())?;
    // Under the lock, so that two commands cannot overtake each other on the way to the atomic values.
    put_in_force(gateway, &changes);
    keep(gateway, &control);
    drop(control);
    if *command != Command::Renew {
        tracing::info!(who, why, command = ?command, scope = ?scope, "control");
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
