//! The judgement over one family: pure, everything it depends on is an argument.
//!
//! Bad requests of the new side are compared with those of the old one in the same seconds, so that what hurts both
//! blames neither, and with the old side over the last fifteen minutes, so that few requests are enough where errors are
//! unheard of. Both must be no chance. See docs/adr/0012.

use serde::Serialize;

use super::plan::{Gate, Metric, Plan};
use super::statistics::{chance, ratio};
use super::{Finding, Verdict};
use crate::counters::{Class, Mirrored, Series, Tally};
use crate::forced::Side;
use crate::split::Share;

/// Seconds over which sides are compared: short ones find what is broken, long ones what is a little worse.
const WINDOWS: [usize; 3] = [5, 15, 60];
/// The same for mirrored reads, of which there are more.
const MIRRORED: [usize; 4] = [5, 10, 15, 60];
/// Fewer requests of the other side are nothing to compare with.
const ENOUGH: u64 = 50;
/// Fewer bad requests may have a cause of their own.
pub(crate) const FEWEST: u64 = 3;
/// The largest chance at which a difference to the old side in the same seconds counts, when that had nothing bad and
/// the new side is the smaller: three errors on a tenth of the requests.
const UNLIKELY: f64 = 0.002;
/// The same when the new side has more than [`SMALL`] of the requests: then more can be asked for in the same time.
const LESS_LIKELY: f64 = 1e-4;
const SMALL: f64 = 0.2;
/// The same when it had.
const IMPOSSIBLE: f64 = 1e-6;
/// The same of a difference to the old side over everything that is kept.
const UNHEARD_OF: f64 = 1e-5;
/// Seconds after which a request without an answer is overdue.
const OVERDUE: usize = 2;
/// Without a request for longer, nothing is known of the new side.
const RECENT: usize = 15;
/// Without a request on either side for so long after the share changed, a family is one that nobody asks for.
const IDLE: u64 = 30;
/// The same of a class, of which there may be few.
const RECENT_OF_CLASS: usize = 300;

/// What is known besides the counters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Signals {
    /// Instances of the new side that are well, and all of them.
    pub instances: (usize, usize),
    /// Whether any instance of the old side is well.
    pub is_old_side_well: bool,
    /// What the shadow found in the last 30 s, if it compares.
    pub differences: Option<Differences>,
}

/// Reads that were compared: of the endpoint where the sides differ most often, or of the whole family while no endpoint
/// has enough differences of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// The endpoint, if it is one.
    pub endpoint: Option<String>,
    /// How many.
    pub compared: u64,
    /// Of these, those with a difference that nothing excuses.
    pub different: u64,
    /// Where most of them are.
    pub most: String,
}

/// Looks at a family with all gates of the plan.
pub fn judge(plan: &Plan, series: &Series, signals: &Signals) -> Vec<Finding> {
    if series.share().millionths() == 0 {
        return vec![Finding::of(None, None, Verdict::Hold("nobody is on the new side".to_owned()))];
    }
    if series.seconds_of_step() >= IDLE && !series.was_asked() {
        let idle = format!("nobody asked for it in the {} s since its share changed", series.seconds_of_step());
        let mut findings = vec![Finding::of(None, None, Verdict::Idle(idle))];
        if let Some(gate) = plan.gate(Metric::Instances) {
            findings.push(Finding::of(Some(gate.metric), None, instances(signals)));
        }
        return findings;
    }
    let mut findings = vec![Finding::of(None, None, enough(plan, series))];
    for gate in &plan.gates {
        match gate.metric {
            Metric::Endpoints => findings.push(Finding::of(Some(gate.metric), None, endpoints(gate, series))),
            // With nobody left on the old side, nothing is mirrored.
            Metric::Differences | Metric::Mirrored if series.share() == Share::ALL => {}
            Metric::Differences if gate.is_asked_for || signals.differences.is_some() => {
                let verdict = differences(gate, signals.differences.as_ref());
                findings.push(Finding::of(Some(gate.metric), None, verdict));
            }
            Metric::Mirrored if gate.is_asked_for || signals.differences.is_some() => {
                let verdict = mirrored(gate, series, signals.differences.is_some());
                findings.push(Finding::of(Some(gate.metric), None, verdict));
            }
            Metric::Instances => findings.push(Finding::of(Some(gate.metric), None, instances(signals))),
            _ => {}
        }
    }
    for class in Class::ALL.into_iter().filter(|class| series.ever(Side::Platform, *class) > 0) {
        let sides = Side::BOTH.map(|side| series.windows(WINDOWS, side, &[class]));
        for gate in plan.gates.iter().filter(|gate| is_of_classes(gate.metric)) {
            findings.push(Finding::of(Some(gate.metric), Some(class), compare(gate, series, &sides, &[class])));
        }
    }
    // Few errors of each class may be enough together.
    if let Some(gate) = plan.gate(Metric::Errors) {
        let sides = Side::BOTH.map(|side| series.windows(WINDOWS, side, &Class::ALL));
        findings.push(Finding::of(Some(gate.metric), None, compare(gate, series, &sides, &Class::ALL)));
    }
    findings
}

fn is_of_classes(metric: Metric) -> bool {
    !matches!(metric, Metric::Endpoints | Metric::Differences | Metric::Mirrored | Metric::Instances)
}

/// Whether enough was seen to let anything pass.
fn enough(plan: &Plan, series: &Series) -> Verdict {
    let hold = |reason: String| Verdict::Hold(reason);
    let of_class = |class: Class| series.step(Side::Platform, class).0;
    let all: u64 = Class::ALL.into_iter().map(of_class).sum();
    if all < plan.step {
        return hold(format!("the new side has answered {all} of {} requests of this step", plan.step));
    }
    let latest = |seconds, class| series.window(seconds, Side::Platform, class).requests;
    if Class::ALL.into_iter().all(|class| latest(RECENT, class) == 0) {
        return hold(format!("the new side got no request in the last {RECENT} s"));
    }
    for class in Class::ALL {
        let (seen, name) = (of_class(class), class.name());
        // A class that neither side ever saw is no class of this family.
        if seen < plan.class && Side::BOTH.into_iter().any(|side| series.ever(side, class) > 0) {
            return hold(format!("the new side has answered {seen} of {} requests of class {name}", plan.class));
        }
        if seen > 0 && latest(RECENT_OF_CLASS, class) == 0 {
            return hold(format!("the new side got no request of class {name} in the last {RECENT_OF_CLASS} s"));
        }
    }
    Verdict::Pass
}

/// The old side as far as it can be compared with: in the same seconds, or before the step.
struct Other<'a> {
    tally: &'a Tally,
    is_now: bool,
}

fn compare(gate: &Gate, series: &Series, [legacy, platform]: &[[Tally; 3]; 2], classes: &[Class]) -> Verdict {
    let name = match classes {
        [class] => class.name(),
        _ => "all",
    };
    let baseline = series.baseline(classes);
    let latency = match gate.metric {
        Metric::P50 => Some(500),
        Metric::P95 => Some(950),
        Metric::P99 => Some(990),
        _ => None,
    };
    // Percentiles of five seconds would blame a side for one stall.
    let skipped = usize::from(latency.is_some());
    let mut is_compared = false;
    let mut held = None;
    for ((seconds, new), old) in WINDOWS.into_iter().zip(platform).zip(legacy).skip(skipped) {
        let old = match &baseline {
            _ if old.requests >= ENOUGH => Other { tally: old, is_now: true },
            Some(baseline) => Other { tally: baseline, is_now: false },
            None => continue,
        };
        let bad: Box<dyn Fn(&Tally) -> u64> = match (gate.metric, latency) {
            (_, Some(per_mille)) => {
                let Some(limit) = old.tally.latency.percentile(per_mille) else { continue };
                let limit = limit.mul_f64(gate.ratio).max(limit + gate.floor);
                Box::new(move |tally| tally.latency.above(limit))
            }
            (Metric::ClientErrors, _) => Box::new(|tally| tally.client_errors),
            (Metric::Overdue, _) => {
                Box::new(|tally| tally.latency.above(std::time::Duration::from_secs(OVERDUE as u64)))
            }
            _ => Box::new(|tally| tally.errors),
        };
        // What still waits belongs to a moment, so it is added to the sums of the seconds.
        let waits = |side| if gate.metric == Metric::Overdue { series.overdue(OVERDUE, side, classes) } else { 0 };
        let new_waits = waits(Side::Platform);
        let old_waits = if old.is_now { waits(Side::Legacy) } else { 0 };
        let (new_bad, new_all) = (bad(new) + new_waits, new.requests + new_waits);
        let (old_bad, old_all) = (bad(old.tally) + old_waits, old.tally.requests + old_waits);
        let Some(chance_now) = chance(new_bad, new_all, old_bad, old_all) else { continue };
        is_compared = true;
        let excess = ratio(new_bad, new_all) - ratio(old_bad, old_all);
        let limit = match ratio(new_all, new_all + old_all) {
            _ if old_bad > 0 || !old.is_now || latency.is_some() => IMPOSSIBLE,
            share if share > SMALL => LESS_LIKELY,
            _ => UNLIKELY,
        };
        if new_bad < FEWEST || excess <= gate.excess || chance_now > limit {
            continue;
        }
        let before = series.before(seconds, Side::Legacy, classes);
        let (before_bad, before_all) = (bad(&before) + old_bad, before.requests + old_all);
        if chance(new_bad, new_all, before_bad, before_all).is_none_or(|chance| chance > UNHEARD_OF) {
            continue;
        }
        // One stall, or one restart of an instance, is no difference between the sides.
        let spread = if latency.is_some() { 3 } else { 2 };
        let too_much = ratio(old_bad, old_all) + gate.excess;
        let is_bad = |tally: &Tally| ratio(bad(tally), tally.requests) > too_much;
        if new_waits < FEWEST && series.spread(seconds, Side::Platform, classes, is_bad) < spread {
            continue;
        }
        let reason = format!(
            "{} {}: {new_bad} of {new_all} on the new side in {seconds} s, {old_bad} of {old_all} on the old one{}",
            name,
            gate.metric.name(),
            if old.is_now { "" } else { " before this step" },
        );
        // People differ in how often they ask for what is not there, so only a flood of it is the side's doing.
        if gate.metric == Metric::ClientErrors && (excess < 0.5 || new_all < 100) {
            held = Some(Verdict::Hold(reason));
            continue;
        }
        return Verdict::Fail(reason);
    }
    match held {
        Some(held) => held,
        None if is_compared => Verdict::Pass,
        None => nothing_to_compare(gate, &platform[1], name),
    }
}

/// Without the old side a service that fails almost always is still one that fails.
fn nothing_to_compare(gate: &Gate, new: &Tally, name: &str) -> Verdict {
    if gate.metric == Metric::Errors && new.requests >= 20 && new.errors * 2 > new.requests {
        return Verdict::Fail(format!(
            "{} errors: {} of {} on the new side in {} s, and nothing to compare with",
            name, new.errors, new.requests, WINDOWS[1]
        ));
    }
    Verdict::Hold(format!("{} {}: too few requests of the old side to compare with", name, gate.metric.name()))
}

fn endpoints(gate: &Gate, series: &Series) -> Verdict {
    let mut held = None;
    let mut is_compared = false;
    for seconds in [15, 60] {
        for endpoint in series.endpoints(seconds) {
            let [[old, old_bad, old_denied], [new, new_bad, new_denied]] = endpoint.sides;
            let [ever, ever_bad, ever_denied] = endpoint.ever[Side::Legacy as usize];
            is_compared |= new > 0;
            let is_worse = |bad: u64, old_bad: u64, ever_bad: u64| {
                let excess = ratio(bad, new) - ratio(old_bad, old);
                bad >= FEWEST
                    && excess > gate.excess
                    // Seldom asked ones are compared with all that was seen of them.
                    && chance(bad, new, old_bad, old).is_none_or(|chance| chance <= UNLIKELY)
                    && chance(bad, new, ever_bad, ever).is_some_and(|chance| chance <= UNHEARD_OF)
            };
            let reason = |what: &str, bad: u64, old_bad: u64| {
                let name = &endpoint.name;
                format!(
                    "{name} {what}: {bad} of {new} on the new side in {seconds} s, {old_bad} of {old} on the old one"
                )
            };
            if is_worse(new_bad, old_bad, ever_bad) {
                return Verdict::Fail(reason("errors", new_bad, old_bad));
            }
            if is_worse(new_denied, old_denied, ever_denied) {
                held = Some(Verdict::Hold(reason("client errors", new_denied, old_denied)));
            }
        }
    }
    match held {
        Some(held) => held,
        None if is_compared => Verdict::Pass,
        None => Verdict::Hold("no endpoint of the new side was asked in the last 60 s".to_owned()),
    }
}

fn differences(gate: &Gate, found: Option<&Differences>) -> Verdict {
    let Some(Differences { endpoint, compared, different, most }) = found else {
        return Verdict::Hold("the shadow does not compare: start it, or remove the gate".to_owned());
    };
    if *compared == 0 {
        return Verdict::Hold("the shadow compared nothing in the last 30 s".to_owned());
    }
    if *different == 0 {
        return Verdict::Pass;
    }
    let of = endpoint.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    let reason = format!("differences: {different} of {compared} reads{of} in 30 s, most in {most}");
    if *different >= FEWEST && ratio(*different, *compared) > gate.excess {
        Verdict::Fail(reason)
    } else {
        Verdict::Hold(reason)
    }
}

/// Reads that the old side answered well, both times when it failed on the new side in between. The same two questions,
/// with all reads of the old side to compare with.
fn mirrored(gate: &Gate, series: &Series, is_comparing: bool) -> Verdict {
    if !is_comparing {
        return Verdict::Hold("the shadow does not compare: start it, or remove the gate mirrored".to_owned());
    }
    let mut is_compared = false;
    for seconds in MIRRORED {
        let mut new = Mirrored::default();
        series.mirrored(seconds).for_each(|second| new.add(second));
        let old = series.window(seconds, Side::Legacy, Class::Read);
        let Some(chance_now) = chance(new.failed, new.asked, old.errors, old.requests) else { continue };
        if old.requests < ENOUGH {
            continue;
        }
        is_compared = true;
        let limit = if old.errors > 0 { IMPOSSIBLE } else { UNLIKELY };
        let too_much = ratio(old.errors, old.requests) + gate.excess;
        if new.failed < FEWEST || ratio(new.failed, new.asked) <= too_much || chance_now > limit {
            continue;
        }
        let before = series.before(seconds, Side::Legacy, &[Class::Read]);
        let (before_bad, before_all) = (before.errors + old.errors, before.requests + old.requests);
        if chance(new.failed, new.asked, before_bad, before_all).is_none_or(|chance| chance > UNHEARD_OF) {
            continue;
        }
        // A restart of an instance is over in less.
        if series.mirrored(seconds).filter(|second| ratio(second.failed, second.asked) > too_much).count() < 3 {
            continue;
        }
        return Verdict::Fail(format!(
            "mirrored reads: {} of {} failed on the new side in {seconds} s and not on the old one, where {} of {} did",
            new.failed, new.asked, old.errors, old.requests
        ));
    }
    if is_compared || !gate.is_asked_for {
        return Verdict::Pass;
    }
    Verdict::Hold("mirrored reads: too few to compare".to_owned())
}

fn instances(signals: &Signals) -> Verdict {
    match signals.instances {
        (_, 0) => Verdict::Hold("the new side has no instances".to_owned()),
        (0, all) if !signals.is_old_side_well => {
            Verdict::Hold(format!("instances: none of {all} of the new side is well, and none of the old one"))
        }
        (0, all) => Verdict::Fail(format!("instances: none of {all} of the new side is well")),
        (well, all) if well < all => Verdict::Hold(format!("instances: {well} of {all} of the new side are well")),
        _ => Verdict::Pass,
    }
}
