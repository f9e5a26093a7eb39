//! Everything people see of the gateway at one moment, in one answer: what the terminal and the page draw.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::Entry;
use super::state::Shown;
use crate::counters::{EndpointSummary, Point, Series, Summary};
use crate::forced::Side;
use crate::gates::{FamilyReport, Finding, Verdict};
use crate::gateway::Gateway;
use crate::shadow;
use crate::split::Share;
use crate::upstream::health::Condition;

/// Seconds over which sums are made.
pub const SUMMED: usize = 60;
/// Seconds that [`FamilyView::lately`] sums.
pub const LATELY: usize = 10;
/// Changes, differences and endpoints of a family that are shown.
pub(crate) const CHANGES: usize = 30;
const DIFFERENCES: usize = 20;
const ENDPOINTS: usize = 12;

/// The gateway at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// When.
    pub at: Timestamp,
    /// Each family of paths by its name.
    pub families: BTreeMap<String, FamilyView>,
    /// All families together, second by second, the newest last. The share is the largest of all.
    pub total: Vec<Point>,
    /// All services.
    pub instances: Vec<InstanceView>,
    /// How many rules keep somebody on one side.
    pub forced: usize,
    /// What is wrong with the routes file, which is then not in force.
    pub routes_problems: Vec<String>,
    /// What the shadow does and found, the most frequent differences only.
    pub shadow: shadow::Report,
    /// The last changes, the newest first.
    pub changes: Vec<Entry>,
}

/// One family.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FamilyView {
    /// The share of people on the new side.
    pub share: Share,
    /// What comes back when the lease ends.
    pub safe: Share,
    /// Whether it may not change.
    pub frozen: bool,
    /// Seconds until the lease ends, if there is one.
    pub lease_seconds: Option<f64>,
    /// Who renewed the lease last, if there is one.
    pub holder: Option<String>,
    /// Whether it has services on both sides, so that there is something to move.
    pub is_movable: bool,
    /// Seconds for which the share has been in force.
    pub share_seconds: u64,
    /// Requests the new side has answered since.
    pub share_requests: u64,
    /// What the gates say, if there is something to compare.
    pub gates: Option<GatesView>,
    /// Sums over [`LATELY`] seconds, for tables.
    pub lately: Option<Point>,
    /// Second by second, the newest last.
    pub points: Vec<Point>,
    /// Sums over [`SUMMED`] seconds, by side and class; without those that had no requests.
    pub summaries: Vec<Summary>,
    /// Sums over [`SUMMED`] seconds of those endpoints with the most errors and requests.
    pub endpoints: Vec<EndpointSummary>,
}

/// The gates of one family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatesView {
    /// The worst of the findings.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Whether a failure goes back by itself.
    pub armed: bool,
    /// How far a failure has come: `quiet`, `suspect`, `failing`, `returned` or `gone`.
    pub state: String,
    /// What brought it there.
    pub because: Option<String>,
    /// What each gate says.
    pub findings: Vec<Finding>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceView {
    /// Where it listens.
    pub address: String,
    /// On which sides it is used.
    pub sides: BTreeSet<Side>,
    /// By which families.
    pub families: BTreeSet<String>,
    /// How it is.
    pub condition: Condition,
}

impl Gateway {
    /// Everything at this moment, with the last `seconds` second by second, of which 900 are kept.
    pub fn view(&self, seconds: usize) -> View {
        let now = Instant::now();
        let shown = self.control.lock().unwrap_or_else(PoisonError::into_inner).show(now);
        let mut gates = self.gates_report().map(|report| report.families).unwrap_or_default();
        let live = self.live();
        let movable: BTreeSet<&str> = live
            .table
            .routes()
            .filter(|route| route.legacy.is_some() && route.platform.is_some())
            .map(|route| route.family.as_str())
            .collect();
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = history.latest(CHANGES);
        let holder = |name: &str| history.holder(name).map(str::to_owned);
        let meter = self.meter();
        let families = shown.into_iter().map(|(name, shown)| {
            let holder = holder(&name);
            let gates = gates.remove(&name);
            let is_movable = movable.contains(name.as_str());
            let view = family(&shown, meter.family(&name), gates, holder, is_movable, seconds);
            (name, view)
        });
        let families = families.collect();
        let total = meter.total(seconds);
        drop(meter);
        drop(history);
        let mut shadow = self.shadow_report(false);
        shadow.left_out += shadow.differences.iter().skip(DIFFERENCES).map(|difference| difference.count).sum::<u64>();
        shadow.differences.truncate(DIFFERENCES);
        View {
            at: self.clock.now(),
            families,
            total,
            instances: instances(self, now),
            forced: live.table.forced.iter().count(),
            routes_problems: self.last_reload().problems,
            shadow,
            changes,
        }
    }
}

/// One family, of whatever is controlled.
pub(crate) fn family(
    shown: &Shown,
    series: Option<&Series>,
    gates: Option<FamilyReport>,
    holder: Option<String>,
    is_movable: bool,
    seconds: usize,
) -> FamilyView {
    let step = series.map(|series| (series.seconds_of_step(), series.requests_of_step()));
    let (share_seconds, share_requests) = step.unwrap_or_default();
    FamilyView {
        share: shown.share,
        safe: shown.safe,
        frozen: shown.frozen,
        lease_seconds: shown.lease_seconds,
        holder: holder.filter(|_| shown.lease_seconds.is_some()),
        is_movable,
        share_seconds,
        share_requests,
        gates: gates.map(gates_view),
        lately: series.and_then(|series| series.lately(LATELY)),
        points: series.map(|series| series.points(seconds)).unwrap_or_default(),
        summaries: series.map(|series| series.summaries(SUMMED)).unwrap_or_default(),
        endpoints: series.map(|series| worst_first(series.endpoint_summaries(SUMMED))).unwrap_or_default(),
    }
}

fn gates_view(report: FamilyReport) -> GatesView {
    let FamilyReport { verdict, armed, state, findings, .. } = report;
    GatesView { verdict, armed, state: state.name().to_owned(), because: state.reason().map(str::to_owned), findings }
}

fn worst_first(mut endpoints: Vec<EndpointSummary>) -> Vec<EndpointSummary> {
    endpoints.sort_by_key(|endpoint| {
        let sum = |n: usize| endpoint.legacy[n] + endpoint.platform[n];
        std::cmp::Reverse((sum(1), sum(0)))
    });
    endpoints.truncate(ENDPOINTS);
    endpoints
}

fn instances(gateway: &Gateway, now: Instant) -> Vec<InstanceView> {
    let live = gateway.live();
    let view = |(endpoint, instance): (&crate::routes::Endpoint, &std::sync::Arc<crate::upstream::Instance>)| {
        let (mut sides, mut families) = (BTreeSet::new(), BTreeSet::new());
        for route in live.table.routes() {
            for (side, group) in [(Side::Legacy, &route.legacy), (Side::Platform, &route.platform)] {
                if group.as_ref().is_some_and(|group| group.instances.contains(endpoint)) {
                    sides.insert(side);
                    families.insert(route.family.clone());
                }
            }
        }
        InstanceView { address: endpoint.to_string(), sides, families, condition: instance.health.condition(now) }
    };
    live.instances.iter().map(view).collect()
}
