//! Whether anybody is on the side that people are sent to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Instant;

use http::StatusCode;

use super::socket::Refused;
use super::state::{Command, Scope, Shown};
use crate::forced::Side;
use crate::gateway::Gateway;

/// The families a command moves, and those it skips because they have services on one side only. Going down is never
/// kept from anybody.
pub(crate) fn movable(
    scope: &Scope,
    command: &Command,
    shown: &BTreeMap<String, Shown>,
    has_both: impl Fn(&str) -> bool,
) -> Result<(Scope, Vec<String>), Refused> {
    let Command::Set(share) = command else { return Ok((scope.clone(), Vec::new())) };
    let meant = || shown.iter().filter(|(name, _)| scope.has(name));
    let is_stuck = |(name, shown): &(&String, &Shown)| *share > shown.share && !has_both(name);
    let stuck: Vec<String> = meant().filter(is_stuck).map(|(name, _)| name.clone()).collect();
    if stuck.is_empty() {
        return Ok((scope.clone(), stuck));
    }
    let rest: BTreeSet<String> = meant().map(|(name, _)| name).filter(|name| !stuck.contains(name)).cloned().collect();
    if rest.is_empty() {
        let stuck = stuck.join(", ");
        let why = format!(
            "{stuck}: services on one side only, so there is nothing to move: name those of the other side in the routes file"
        );
        return Err((StatusCode::CONFLICT, why));
    }
    Ok((Scope::Those(rest), stuck))
}

impl Gateway {
    /// The same for the families of this gateway.
    pub(super) fn movable(&self, scope: &Scope, command: &Command) -> Result<(Scope, Vec<String>), Refused> {
        let shown = self.control.lock().unwrap_or_else(PoisonError::into_inner).show(Instant::now());
        let live = self.live();
        let has_both = |name: &str| {
            let mut routes = live.table.routes().filter(|route| route.family == name);
            routes.any(|route| route.legacy.is_some() && route.platform.is_some())
        };
        movable(scope, command, &shown, has_both)
    }

    /// Refuses to send people where nobody answers: to the new side of a route, or back to the old side of a family.
    pub(super) fn somebody_there(&self, scope: &Scope, command: &Command) -> Result<(), Refused> {
        let live = self.live();
        let now = Instant::now();
        let (down, side): (Vec<String>, _) = match command {
            Command::Return => {
                let names = live.table.families().map(|(name, _)| name).filter(|name| scope.has(name));
                let down = names.filter(|name| matches!(live.well(name, Side::Legacy, now), (0, 1..)));
                (down.map(str::to_owned).collect(), "old")
            }
            Command::Set(share) => {
                let raised = live.table.routes().filter(|route| scope.has(&route.family));
                let raised = raised.filter(|route| *share > live.table.weight(route));
                let both = raised.filter_map(|route| Some((route, live.both(route)?.1)));
                let down = both.filter(|(_, platform)| platform.well(now) == 0);
                (down.map(|(route, _)| route.pattern.to_string()).collect(), "new")
            }
            _ => return Ok(()),
        };
        if down.is_empty() {
            return Ok(());
        }
        let down = down.join(", ");
        let wait = if side == "new" { " and wait a few seconds until the gateway finds it well" } else { "" };
        Err((
            StatusCode::CONFLICT,
            format!("no {side} service answers for {down}: start it{wait}, or send \"anyway\": true (--anyway)"),
        ))
    }
}
