//! Everything about HAProxy and its driver at one moment, for programs and for people.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::driver::{Driver, Mode};
use super::runtime::ask;
use super::servers::{Instance, Route, well};
use super::words::unmeasured;
use crate::control::socket::Refused;
use crate::control::view::{self, InstanceView, View};
use crate::forced::Side;
use crate::shadow::Shadow;
use crate::upstream::health::Condition;

impl Driver {
    /// Shares, services, and how HAProxy is.
    pub(super) async fn overview(&self) -> Value {
        let routes = self.routes().await.unwrap_or_default();
        let state = self.state.lock().await;
        let address = &self.parts.address;
        let mut families = serde_json::Map::new();
        let has = match &self.parts.mode {
            Mode::Threshold(threshold) => threshold.read(address).await.unwrap_or_default(),
            Mode::Weights(_) => BTreeMap::new(),
        };
        for (name, shown) in state.control.show(Instant::now()) {
            let in_force = match &self.parts.mode {
                Mode::Threshold(_) => has.get(&name).map(|lease| lease.share(self.parts.clock.now())),
                Mode::Weights(weights) => weights.in_force(address, &name).await.ok().flatten(),
            };
            let mut family = serde_json::to_value(&shown).unwrap_or_default();
            family["in_force"] = json!(in_force);
            family["movable"] = json!(true);
            for side in Side::BOTH {
                let (well, all) = well(&routes, &name, side);
                family["servers"][side.name()] = json!({ "up": well, "all": all });
            }
            families.insert(name, family);
        }
        let info = ask(address, "show info").await.unwrap_or_default();
        let info =
            |name: &str| info.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()));
        let mode = match &self.parts.mode {
            Mode::Threshold(_) => "threshold",
            Mode::Weights(_) => "weights",
        };
        let names = |instances: &[Instance]| -> Vec<String> {
            instances.iter().map(|instance| instance.name.clone()).collect()
        };
        let instances = routes.iter().flat_map(|route| route.sides.iter().flatten());
        let instances: BTreeMap<&str, Condition> =
            instances.map(|instance| (instance.name.as_str(), condition(instance))).collect();
        let routes: Vec<Value> = routes
            .iter()
            .map(|Route { path, family, sides: [legacy, platform] }| {
                json!({ "path": path, "family": family, "legacy": names(legacy), "platform": names(platform) })
            })
            .collect();
        json!({
            "families": families,
            "routes": routes,
            "instances": instances,
            "haproxy": {
                "address": address.to_string(), "mode": mode, "version": info("Version"), "pid": info("Pid"),
                "trouble": state.trouble, "not_kept": state.unkept, "restored": state.restored,
                "told": self.measured.as_ref().map(|measured| measured.lines()),
                "not_told": self.measured.as_ref().and_then(|measured| measured.trouble()),
            },
        })
    }

    /// Everything that `gateway top` and the report of a take-over draw.
    pub(super) async fn view(&self, seconds: usize) -> Result<View, Refused> {
        let measured = self.measured.as_ref().ok_or_else(unmeasured)?;
        let routes = self.routes().await.unwrap_or_default();
        let mut reports = measured.gates().report().map(|report| report.families).unwrap_or_default();
        let state = self.state.lock().await;
        let (at, now) = self.now();
        let meter = measured.meter();
        let families = state.control.show(now).into_iter().map(|(name, shown)| {
            let holder = state.history.holder(&name).map(str::to_owned);
            let view = view::family(&shown, meter.family(&name), reports.remove(&name), holder, true, seconds);
            (name, view)
        });
        Ok(View {
            at,
            families: families.collect(),
            total: meter.total(seconds),
            instances: instances(&routes),
            forced: 0,
            routes_problems: Vec::new(),
            shadow: Shadow::new(Arc::clone(&self.parts.clock)).report(false),
            changes: state.history.latest(view::CHANGES),
        })
    }
}

/// Every server by its name.
fn instances(routes: &[Route]) -> Vec<InstanceView> {
    let mut instances: BTreeMap<&str, InstanceView> = BTreeMap::new();
    for route in routes {
        for (side, instance) in
            Side::BOTH.into_iter().zip(&route.sides).flat_map(|(side, of)| of.iter().map(move |one| (side, one)))
        {
            let view = instances.entry(&instance.name).or_insert_with(|| InstanceView {
                address: instance.name.clone(),
                sides: BTreeSet::new(),
                families: BTreeSet::new(),
                condition: condition(instance),
            });
            view.sides.insert(side);
            view.families.insert(route.family.clone());
        }
    }
    instances.into_values().collect()
}

fn condition(instance: &Instance) -> Condition {
    if instance.is_well { Condition::Well } else { Condition::Unwell }
}
