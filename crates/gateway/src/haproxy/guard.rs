//! A second process for weights, which HAProxy keeps for ever: it takes the share back when the driver dies or freezes.
//! It hears [`Orders`] from the driver, and acts when a lease ends that nobody renewed, or when there will be no more
//! orders.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedReceiver;

use super::runtime::Address;
use super::weights::Weights;
use crate::control::state::Shown;
use crate::split::Share;

/// The driver ends a lease itself, if it can.
const GRACE: Duration = Duration::from_millis(300);

/// What the driver is about to put in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Orders(BTreeMap<String, Order>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    safe: Share,
    lease_seconds: Option<f64>,
}

impl Orders {
    pub(super) fn new(shown: &BTreeMap<String, Shown>) -> Self {
        let order = |shown: &Shown| Order { safe: shown.safe, lease_seconds: shown.lease_seconds };
        Self(shown.iter().map(|(name, shown)| (name.clone(), order(shown))).collect())
    }
}

/// Guards until there are no more orders and everything is back.
pub async fn guard(address: &Address, weights: &Weights, mut orders: UnboundedReceiver<Orders>) {
    let mut leases: BTreeMap<String, (Instant, Share)> = BTreeMap::new();
    let mut is_alone = false;
    loop {
        let due = |until: Instant| is_alone || until + GRACE <= Instant::now();
        for (family, (_, safe)) in leases.clone().into_iter().filter(|(_, (until, _))| due(*until)) {
            match weights.put(address, &family, safe).await {
                Ok(()) => {
                    tracing::warn!(family, to = %safe, "the driver is silent, the guard put the safe share in force");
                    leases.remove(&family);
                }
                Err(trouble) => tracing::error!(family, %trouble, "the safe share is not in force, trying on"),
            }
        }
        if is_alone && leases.is_empty() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
            heard = orders.recv(), if !is_alone => match heard {
                Some(orders) => {
                    let lease = |(family, order): (String, Order)| {
                        let left = Duration::try_from_secs_f64(order.lease_seconds?).ok()?;
                        Some((family, (Instant::now() + left, order.safe)))
                    };
                    leases = orders.0.into_iter().filter_map(lease).collect();
                }
                None => is_alone = true,
            },
        }
    }
}
