//! Everything about the gateway at one moment.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Instant;

use serde::Serialize;

use super::state::Shown;
use crate::counters::Counted;
use crate::forced::{Side, Whom};
use crate::gateway::Gateway;
use crate::reload::LastReload;
use crate::upstream::health::Condition;

#[derive(Serialize)]
pub(crate) struct Status {
    families: BTreeMap<String, Family>,
    routes: Vec<Route>,
    instances: BTreeMap<String, Condition>,
    forced: Vec<Rule>,
    reload: LastReload,
}

#[derive(Serialize)]
struct Family {
    #[serde(flatten)]
    control: Shown,
    /// Whether it has services on both sides, so that there is something to move.
    movable: bool,
    counters: Vec<Counted>,
}

#[derive(Serialize)]
struct Route {
    path: String,
    family: String,
    legacy: Vec<String>,
    platform: Vec<String>,
}

#[derive(Serialize)]
struct Rule {
    #[serde(flatten)]
    whom: Whom,
    to: Side,
}

pub(crate) fn status(gateway: &Gateway) -> Status {
    let now = Instant::now();
    let live = gateway.live();
    let control = gateway.control.lock().unwrap_or_else(PoisonError::into_inner).show(now);
    let counters = |name: &str| live.counters.get(name).map(|counters| counters.read()).unwrap_or_default();
    let movable = |name: &str| {
        live.table.routes().any(|route| route.family == name && route.legacy.is_some() && route.platform.is_some())
    };
    let names = |group: &Option<crate::routes::Group>| {
        group.iter().flat_map(|group| &group.instances).map(ToString::to_string).collect()
    };
    Status {
        families: control
            .into_iter()
            .map(|(name, control)| {
                let counters = counters(&name);
                let movable = movable(&name);
                (name, Family { control, movable, counters })
            })
            .collect(),
        routes: live
            .table
            .routes()
            .map(|route| Route {
                path: route.pattern.to_string(),
                family: route.family.clone(),
                legacy: names(&route.legacy),
                platform: names(&route.platform),
            })
            .collect(),
        instances: live
            .instances
            .iter()
            .map(|(endpoint, instance)| (endpoint.to_string(), instance.health.condition(now)))
            .collect(),
        forced: live.table.forced.iter().map(|(whom, to)| Rule { whom: whom.clone(), to }).collect(),
        reload: gateway.last_reload(),
    }
}
