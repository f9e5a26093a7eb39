//! The gateway as a whole: what is in force, and what requests need besides.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kernel::{Clock, Redacted, Rng, TrustedProxies};
use tokio::task::JoinSet;

use crate::control::history::History;
use crate::control::kept::Keeper;
use crate::control::state::Control;
use crate::counters::{Meter, Snapshot, metrics};
use crate::forced::{Side, Whom};
use crate::gates::Gates;
use crate::identity::Verifier;
use crate::live::Live;
use crate::reload::LastReload;
use crate::routes::Table;
use crate::shadow::Shadow;
use crate::upstream::probe;

/// What a gateway is made of.
pub struct Parts {
    /// The routes to begin with.
    pub table: Table,
    /// `JWT_SECRET`. Without it nobody is known, and people stick to a side by their address.
    pub jwt_secret: Option<Redacted<String>>,
    /// Where confirmed shares are kept. Without a file, everybody begins on the old side.
    pub kept: Option<PathBuf>,
    /// Proxies in front that are believed.
    pub trusted_proxies: TrustedProxies,
    /// The time, for tokens.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for request ids.
    pub rng: Arc<dyn Rng>,
}

/// Cheap to share.
pub struct Gateway {
    live: RwLock<Arc<Live>>,
    pub(crate) control: Mutex<Control>,
    pub(crate) keeper: Option<Mutex<Keeper>>,
    pub(crate) reloaded: Mutex<LastReload>,
    pub(crate) history: Mutex<History>,
    /// Rules of the control socket, which count before those of the file; nothing lifts a rule of the file.
    pub(crate) overrides: Mutex<BTreeMap<Whom, Option<Side>>>,
    pub(crate) meter: Mutex<Meter>,
    pub(crate) gates: Mutex<Gates>,
    pub(crate) shadow: Shadow,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
}

impl Gateway {
    /// A gateway that serves nobody yet.
    pub fn new(parts: Parts) -> io::Result<Arc<Self>> {
        let keeper = parts.kept.map(Keeper::open).transpose()?;
        let none = BTreeMap::new();
        let kept = keeper.as_ref().map_or(&none, Keeper::families);
        let live = Live::new(parts.table, None);
        let control = Control::new(live.table.families().map(|(name, _)| name), kept);
        for (name, family) in live.table.families() {
            family.weight.set(kept.get(name).copied().unwrap_or_default().safe);
        }
        Ok(Arc::new(Self {
            keeper: keeper.map(Mutex::new),
            live: RwLock::new(Arc::new(live)),
            control: Mutex::new(control),
            reloaded: Mutex::default(),
            history: Mutex::default(),
            overrides: Mutex::default(),
            meter: Mutex::default(),
            gates: Mutex::default(),
            shadow: Shadow::new(Arc::clone(&parts.clock)),
            verifier: parts.jwt_secret.as_ref().map(Verifier::new),
            trusted_proxies: parts.trusted_proxies,
            clock: parts.clock,
            rng: parts.rng,
        }))
    }

    /// What is in force now. A request keeps what it began with.
    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts what `change` makes of it in force.
    pub(crate) fn change(&self, change: impl FnOnce(&Live) -> Live) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        *live = Arc::new(change(&live));
    }

    /// Looks after instances until dropped: asks how they are, and closes connections nobody needs.
    pub async fn look_after(self: Arc<Self>) {
        let mut interval = tokio::time::interval(probe::INTERVAL);
        loop {
            interval.tick().await;
            let live = self.live();
            let mut asked = JoinSet::new();
            for (instance, path) in live.health_paths() {
                instance.connections.close_old();
                asked.spawn(async move {
                    let well = probe::is_well(&instance, &path).await;
                    if instance.health.checked(well) {
                        let endpoint = instance.endpoint.to_string();
                        if well {
                            tracing::info!(endpoint, "an instance is well again");
                        } else {
                            tracing::warn!(endpoint, "an instance fails its checks");
                        }
                    }
                });
            }
            asked.join_all().await;
        }
    }

    /// Lets leases end until dropped.
    pub async fn watch_leases(self: Arc<Self>) {
        let mut interval = tokio::time::interval(Duration::from_millis(50));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            crate::control::end_leases(&self, Instant::now());
        }
    }

    /// Writes down what happened and lets the gates look at it, second by second, until dropped.
    pub async fn measure(self: Arc<Self>) {
        let mut interval = tokio::time::interval(Duration::from_secs(1));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut before = Instant::now();
        loop {
            interval.tick().await;
            let now = Instant::now();
            self.tick(now.duration_since(before));
            self.look(Instant::now());
            before = now;
        }
    }

    fn tick(&self, took: Duration) {
        let live = self.live();
        let families = live.table.families().filter_map(|(name, family)| {
            let counters = live.counters.get(name)?;
            Some((name, &**counters, family.weight.get()))
        });
        self.meter().tick(families, self.clock.now(), took);
    }

    pub(crate) fn meter(&self) -> std::sync::MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happened in the last `seconds`, of which 900 are kept.
    pub fn snapshot(&self, seconds: usize) -> Snapshot {
        self.meter().snapshot(seconds, self.clock.now())
    }

    /// Everything counted, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        metrics(&self.meter())
    }
}
