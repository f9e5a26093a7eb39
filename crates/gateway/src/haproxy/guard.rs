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
    // When each family is to be put back, and to which share.
    let mut due: BTreeMap<String, (Option<Instant>, Share)> = BTreeMap::new();
    let mut is_alone = false;
    while !is_alone || !due.is_empty() {
        let now = Instant::now();
        let mut done = Vec::new();
        for (family, (at, safe)) in &due {
            // Without a lease too, once the driver is gone: it may have died on the way down to the safe share.
            if (is_alone || at.is_some_and(|at| at <= now)) && put_back(address, weights, family, *safe).await {
                done.push(family.clone());
            }
        }
        due.retain(|family, _| !done.contains(family));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
            heard = orders.recv(), if !is_alone => match heard {
                Some(orders) => {
                    let end = |seconds| Some(Instant::now() + Duration::try_from_secs_f64(seconds).ok()? + GRACE);
                    let order = |order: &Order| (order.lease_seconds.and_then(end), order.safe);
                    due = orders.0.iter().map(|(family, one)| (family.clone(), order(one))).collect();
                }
                None => is_alone = true,
            },
        }
    }
}

/// Whether the safe share is in force now.
async fn put_back(address: &Address, weights: &Weights, family: &str, safe: Share) -> bool {
    if weights.is(address, family, safe).await.unwrap_or(false) {
        return true;
    }
    match weights.put(address, family, safe).await {
        Ok(()) => {
            tracing::warn!(family, to = %safe, "the driver is silent, the guard put the safe share in force");
            true
        }
        Err(trouble) => {
            tracing::error!(family, %trouble, "the safe share is not in force, trying on");
            false
        }
    }
}
