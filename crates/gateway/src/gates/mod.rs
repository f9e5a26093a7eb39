//! Gates: whether the new side is worse than the old one, and what follows.
//!
//! - [`plan`] says what is looked at, [`judge()`] looks, [`watch`] decides. All three are pure.
//! - `Pass` is for whoever wants to raise the share. Without data there is no `Pass`.
//! - `Fail` twice in a row, a second apart, takes the traffic back to the safe share by itself while the family is armed,
//!   and the family is frozen then: whoever raises shares must look first. Thawing it makes the gates forget the fault.

pub mod judge;
pub mod plan;
#[cfg(test)]
pub(crate) mod replay;
mod statistics;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use self::judge::Signals;
pub use self::judge::judge;
pub use self::plan::{Metric, Plan};
pub(crate) use self::statistics::{chance, ratio};
use self::watch::{Action, State, Watch};
use crate::control::apply;
use crate::control::state::{Command, Scope, Shown};
use crate::counters::{Class, Meter};
use crate::forced::Side;
use crate::gateway::Gateway;
use crate::routes::Problem;
use crate::split::Share;

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Nothing speaks against more people on the new side.
    Pass,
    /// Nobody asked for it, on either side, while another family passes: it keeps nobody from going on.
    Idle(String),
    /// Nothing is known, or too little. The share stays as it is.
    Hold(String),
    /// The new side is worse.
    Fail(String),
}

/// What one gate says about one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The gate; nothing for whether enough was seen.
    pub metric: Option<Metric>,
    /// The class, if it is about one.
    pub class: Option<Class>,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl Finding {
    fn of(metric: Option<Metric>, class: Option<Class>, verdict: Verdict) -> Self {
        Self { metric, class, verdict }
    }
}

/// The worst of all, with its reason.
pub fn worst(findings: &[Finding]) -> Verdict {
    let is_fail = |finding: &&Finding| matches!(finding.verdict, Verdict::Fail(_));
    let is_hold = |finding: &&Finding| matches!(finding.verdict, Verdict::Hold(_));
    let is_idle = |finding: &&Finding| matches!(finding.verdict, Verdict::Idle(_));
    let find = |is: &dyn Fn(&&Finding) -> bool| findings.iter().find(is);
    let worst = find(&is_fail).or_else(|| find(&is_hold)).or_else(|| find(&is_idle));
    match worst {
        Some(finding) => finding.verdict.clone(),
        None if findings.is_empty() => Verdict::Hold("nothing was looked at".to_owned()),
        None => Verdict::Pass,
    }
}

/// A family without requests is no news beside one that has many and passes. On its own it is no data, which holds.
fn idle_beside_one_that_passes(reports: &mut BTreeMap<String, FamilyReport>) {
    if reports.values().any(|report| report.verdict == Verdict::Pass) {
        return;
    }
    for report in reports.values_mut() {
        let findings = report.findings.iter_mut().map(|finding| &mut finding.verdict);
        for verdict in findings.chain([&mut report.verdict]) {
            if let Verdict::Idle(reason) = verdict {
                *verdict = Verdict::Hold(format!("{reason}, and no other family passes"));
            }
        }
    }
}

/// All gates of a family at the last look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FamilyReport {
    /// The worst of the findings.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// The share that was looked at.
    pub share: Share,
    /// What a failure goes back to.
    pub safe: Share,
    /// Whether a failure goes back by itself.
    pub armed: bool,
    /// How far a failure has come.
    #[serde(flatten)]
    pub state: State,
    /// What each gate says.
    pub findings: Vec<Finding>,
}

/// All families at the last look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// When.
    pub at: Timestamp,
    /// Seconds since the last look. Gates look once a second; with more than three of them, nothing of this holds.
    pub seconds_ago: u64,
    /// Each family with services on both sides.
    pub families: BTreeMap<String, FamilyReport>,
}

/// The gates of a running gateway.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    plan: Plan,
    watches: BTreeMap<String, Watch>,
    last: Option<(Timestamp, Instant, BTreeMap<String, FamilyReport>)>,
}

impl Gates {
    /// Looks at every family that has signals, which are those with two sides, and says what is to be done.
    pub(crate) fn look(
        &mut self,
        meter: &Meter,
        shares: &BTreeMap<String, Shown>,
        signals: impl Fn(&str) -> Option<Signals>,
        at: Timestamp,
        now: Instant,
    ) -> Vec<(String, Action)> {
        let Self { plan, watches, last } = self;
        watches.retain(|name, _| shares.contains_key(name));
        let mut reports = BTreeMap::new();
        let mut actions = Vec::new();
        for (name, series) in meter.families() {
            let (Some(shown), Some(signals)) = (shares.get(name), signals(name)) else { continue };
            let findings = judge(plan, series, &signals);
            let verdict = worst(&findings);
            let watch = watches.entry(name.to_owned()).or_default();
            // The counters are from the second before, so a share that changed since is judged in the next one.
            if series.share() == shown.share
                && let Some(action) = watch.look(&verdict, shown.share, shown.safe, signals.is_old_side_well, now)
            {
                actions.push((name.to_owned(), action));
            }
            let Watch { armed, state } = watch.clone();
            let report = FamilyReport { verdict, share: shown.share, safe: shown.safe, armed, state, findings };
            reports.insert(name.to_owned(), report);
        }
        idle_beside_one_that_passes(&mut reports);
        *last = Some((at, now, reports));
        actions
    }

    /// Puts another plan in force.
    pub(crate) fn set(&mut self, plan: Plan) {
        self.plan = plan;
        tracing::info!("new gates are in force");
    }

    /// Whether a failure returns the traffic of these families by itself.
    pub(crate) fn arm<'a>(&mut self, families: impl Iterator<Item = &'a str>, armed: bool) {
        for name in families {
            self.watches.entry(name.to_owned()).or_default().armed = armed;
        }
    }

    /// What a family was found to do is held against it no more.
    pub(crate) fn forget(&mut self, family: &str) {
        if let Some(watch) = self.watches.get_mut(family) {
            watch.state = State::Quiet;
        }
        if let Some(report) = self.last.as_mut().and_then(|(_, _, families)| families.get_mut(family)) {
            report.verdict = Verdict::Hold("the gates have not looked since it was thawed".to_owned());
            report.findings.clear();
            report.state = State::Quiet;
        }
    }

    /// What they said at their last look; nothing before the first.
    pub(crate) fn report(&self) -> Option<Report> {
        let (at, looked, families) = self.last.as_ref()?;
        let seconds_ago = looked.elapsed().as_secs();
        let mut families = families.clone();
        if seconds_ago > 3 {
            for family in families.values_mut() {
                family.verdict = Verdict::Hold(format!("the gates looked {seconds_ago} s ago, which is too long"));
            }
        }
        Some(Report { at: *at, seconds_ago, families })
    }
}

/// Which of the families a scope means; nothing for a name that none has.
pub(crate) fn meant<'a>(scope: &Scope, names: &[&'a str]) -> Result<Vec<&'a str>, String> {
    if let Scope::Family(name) = scope
        && !names.contains(&name.as_str())
    {
        return Err(format!("there is no family {name:?}: use all, or one of {}", names.join(", ")));
    }
    Ok(names.iter().copied().filter(|name| scope.has(name)).collect())
}

impl Gateway {
    fn gates(&self) -> std::sync::MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the gates of a file in force.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; the gates in force stay.
    pub fn set_gates(&self, text: &str) -> Result<(), Vec<Problem>> {
        let plan = Plan::parse(text)?;
        self.gates().set(plan);
        Ok(())
    }

    /// Whether a failure returns the traffic of a family by itself.
    pub(crate) fn arm(&self, scope: &Scope, armed: bool) -> Result<(), String> {
        let live = self.live();
        let names: Vec<&str> = live.table.families().map(|(name, _)| name).collect();
        self.gates().arm(meant(scope, &names)?.into_iter(), armed);
        Ok(())
    }

    /// What happened on the new side of a family until now is held against it no more: somebody looked and says that it
    /// is mended. The old side is known as before.
    pub(crate) fn forget(&self, family: &str) {
        let mut gates = self.gates();
        gates.forget(family);
        self.meter().forget(family);
        drop(gates);
        self.shadow.forget(family);
        let live = self.live();
        if let Some(counters) = live.counters.get(family) {
            counters.forget();
        }
        live.instances_of(family, Side::Platform).for_each(|instance| instance.health.forgive());
    }

    /// What the gates said at their last look; nothing before the first.
    pub fn gates_report(&self) -> Option<Report> {
        self.gates().report()
    }

    /// Looks at every family and does what follows.
    pub(crate) fn look(&self, now: Instant) {
        let live = self.live();
        let shares = self.control.lock().unwrap_or_else(PoisonError::into_inner).show(now);
        let signals = |name: &str| {
            let (old_well, old) = live.well(name, Side::Legacy, now);
            let instances = live.well(name, Side::Platform, now);
            (old > 0 && instances.1 > 0).then(|| Signals {
                instances,
                is_old_side_well: old_well > 0,
                differences: self.shadow.differences(name),
            })
        };
        let mut gates = self.gates();
        let actions = gates.look(&self.meter(), &shares, signals, self.clock.now(), now);
        drop(gates);
        for (family, action) in actions {
            let Some((command, why)) = order(&family, action) else { continue };
            if let Err(refusal) = apply(self, &Scope::Family(family), &command, WHO, &why) {
                tracing::error!(%refusal, "going back was refused");
            }
        }
    }
}

/// Who took traffic back, for the log and whoever looks.
pub(crate) const WHO: &str = "gates";

/// The command that an action stands for, and why; nothing if it is only told.
pub(crate) fn order(family: &str, action: Action) -> Option<(Command, String)> {
    let (command, reason) = match action {
        Action::ToSafe(reason) => (Command::Retreat, reason),
        Action::ToNobody(reason) => (Command::Return, reason),
        Action::Tell(reason) => {
            tracing::error!(family, reason, "a gate fails and nothing is done: going back is off, or not possible");
            return None;
        }
    };
    let why = format!("gate {reason}");
    tracing::warn!(family, why, "a gate failed, traffic goes back");
    Some((command, why))
}
