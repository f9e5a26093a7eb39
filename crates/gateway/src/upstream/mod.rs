//! The services behind the gateway at run time: instances, their connections, their health, and the budget of retries.

pub(crate) mod budget;
pub(crate) mod connection;
pub(crate) mod health;
pub(crate) mod probe;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use self::budget::Budget;
use self::connection::Connections;
use self::health::Health;
use crate::routes::{Endpoint, Group};

/// One instance and all that is known of it.
pub(crate) struct Instance {
    pub(crate) endpoint: Endpoint,
    pub(crate) connections: Connections,
    pub(crate) health: Health,
}

impl Instance {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, connections: Connections::default(), health: Health::new(Instant::now()) }
    }
}

/// A group of the table with its instances.
pub(crate) struct Upstream {
    pub(crate) group: Group,
    pub(crate) instances: Vec<Arc<Instance>>,
    pub(crate) budget: Budget,
    turn: AtomicUsize,
}

impl Upstream {
    pub(crate) fn new(group: Group, instances: Vec<Arc<Instance>>) -> Self {
        Self { group, instances, budget: Budget::default(), turn: AtomicUsize::new(0) }
    }

    /// The next instance in turn that is well and none of `tried`. When none is well, the next that was not tried:
    /// refusing would fail for certain.
    pub(crate) fn pick(&self, tried: &[Arc<Instance>], now: Instant) -> Option<&Arc<Instance>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let count = self.instances.len();
        let fresh = || {
            (0..count)
                .filter_map(move |step| self.instances.get((turn.wrapping_add(step)) % count))
                .filter(|instance| !tried.iter().any(|tried| Arc::ptr_eq(tried, instance)))
        };
        fresh().find(|instance| instance.health.is_well(now)).or_else(|| fresh().next())
    }

    /// How many instances are well.
    pub(crate) fn well(&self, now: Instant) -> usize {
        self.instances.iter().filter(|instance| instance.health.is_well(now)).count()
    }
}
