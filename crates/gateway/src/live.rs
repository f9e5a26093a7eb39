//! What is in force: the table together with connections, counters and health. Replaced as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::counters::Counters;
use crate::forced::Side;
use crate::routes::{Endpoint, Route, Table};
use crate::upstream::{Instance, Upstream};

/// The services of one route.
struct Sides {
    legacy: Option<Arc<Upstream>>,
    platform: Option<Arc<Upstream>>,
    counters: Arc<Counters>,
}

/// The table and what belongs to it at run time.
pub(crate) struct Live {
    pub(crate) table: Table,
    /// In the order of the table's routes.
    sides: Vec<Sides>,
    pub(crate) instances: BTreeMap<Endpoint, Arc<Instance>>,
    pub(crate) counters: BTreeMap<String, Arc<Counters>>,
}

impl Live {
    /// What `table` says, with everything kept that `before` had of it: shares, connections, health, counters.
    pub(crate) fn new(mut table: Table, before: Option<&Self>) -> Self {
        let mut instances = BTreeMap::new();
        let mut counters: BTreeMap<String, Arc<Counters>> = BTreeMap::new();
        for (name, family) in &mut table.families {
            if let Some(kept) = before.and_then(|before| before.table.family(name)) {
                family.weight = kept.weight.clone();
            }
            let kept = before.and_then(|before| before.counters.get(name)).cloned();
            counters.insert(name.clone(), kept.unwrap_or_default());
        }
        let mut sides = Vec::with_capacity(table.routes.len());
        for route in &table.routes {
            let mut upstream = |group: &Option<crate::routes::Group>| {
                group.clone().map(|group| {
                    let members = group.instances.iter().map(|endpoint| {
                        let kept = before.and_then(|before| before.instances.get(endpoint)).cloned();
                        let make = || kept.unwrap_or_else(|| Arc::new(Instance::new(endpoint.clone())));
                        Arc::clone(instances.entry(endpoint.clone()).or_insert_with(make))
                    });
                    let members = members.collect();
                    Arc::new(Upstream::new(group, members))
                })
            };
            sides.push(Sides {
                legacy: upstream(&route.legacy),
                platform: upstream(&route.platform),
                counters: counters.get(&route.family).cloned().unwrap_or_default(),
            });
        }
        Self { table, sides, instances, counters }
    }

    /// The same with another table of the same routes: rules changed.
    pub(crate) fn with_table(&self, table: Table) -> Self {
        Self::new(table, Some(self))
    }

    pub(crate) fn upstream(&self, route: &Route, side: Side) -> Option<&Arc<Upstream>> {
        let sides = self.sides.get(route.index)?;
        match side {
            Side::Legacy => sides.legacy.as_ref(),
            Side::Platform => sides.platform.as_ref(),
        }
    }

    /// Both sides of a route, if it has both.
    pub(crate) fn both(&self, route: &Route) -> Option<(&Arc<Upstream>, &Arc<Upstream>)> {
        let sides = self.sides.get(route.index)?;
        sides.legacy.as_ref().zip(sides.platform.as_ref())
    }

    pub(crate) fn counters(&self, route: &Route) -> Option<&Arc<Counters>> {
        self.sides.get(route.index).map(|sides| &sides.counters)
    }

    /// Every instance with the path that says how it is.
    pub(crate) fn health_paths(&self) -> Vec<(Arc<Instance>, String)> {
        let mut paths = BTreeMap::new();
        let upstreams = self.sides.iter().flat_map(|sides| [&sides.legacy, &sides.platform]).flatten();
        for upstream in upstreams {
            for instance in &upstream.instances {
                let with = || (Arc::clone(instance), upstream.group.health.clone());
                paths.entry(instance.endpoint.clone()).or_insert_with(with);
            }
        }
        paths.into_values().collect()
    }

    /// The instances of a side, of all routes of a family.
    pub(crate) fn instances_of(&self, family: &str, side: Side) -> impl Iterator<Item = &Arc<Instance>> {
        let routes = self.table.routes().filter(move |route| route.family == family);
        routes.filter_map(move |route| self.upstream(route, side)).flat_map(|upstream| &upstream.instances)
    }

    /// How many instances of a side are well, and how many there are, over all routes of a family.
    pub(crate) fn well(&self, family: &str, side: Side, now: std::time::Instant) -> (usize, usize) {
        let routes = self.table.routes().filter(|route| route.family == family);
        let upstreams = routes.filter_map(|route| self.upstream(route, side));
        upstreams.fold((0, 0), |(well, all), upstream| (well + upstream.well(now), all + upstream.instances.len()))
    }
}
