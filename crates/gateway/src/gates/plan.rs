//! Which gates there are and what they allow. Everything in the file is checked when it is read: a gate that looks at a
//! metric nobody has would let everything pass.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::routes::Problem;
use crate::routes::file::{self, Keys, line};

/// What a gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Answers of 500 and more, and requests without an answer.
    Errors,
    /// Answers of 400 to 499.
    ClientErrors,
    /// Requests that wait or waited longer than two seconds.
    Overdue,
    /// The median of the time to the head of the answer.
    P50,
    /// Its 95th percentile.
    P95,
    /// Its 99th percentile.
    P99,
    /// Errors of single endpoints.
    Endpoints,
    /// Reads that the other side answers differently, as the shadow finds.
    Differences,
    /// Reads that the old side answered well and that fail on the new one when the shadow asks it.
    Mirrored,
    /// Instances that fail their checks.
    Instances,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Errors,
        Self::ClientErrors,
        Self::Overdue,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Endpoints,
        Self::Differences,
        Self::Mirrored,
        Self::Instances,
    ];

    /// As it is written in files and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::ClientErrors => "client_errors",
            Self::Overdue => "overdue",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Endpoints => "endpoints",
            Self::Differences => "differences",
            Self::Mirrored => "mirrored",
            Self::Instances => "instances",
        }
    }

    fn standard(self) -> Gate {
        let (excess, ratio, floor) = match self {
            Self::Errors | Self::Differences => (0.005, 1.0, 0),
            Self::ClientErrors => (0.05, 1.0, 0),
            Self::Overdue | Self::P99 => (0.01, 2.0, 250),
            Self::P50 => (0.25, 1.5, 50),
            Self::P95 => (0.05, 1.5, 100),
            Self::Endpoints => (0.2, 1.0, 0),
            Self::Mirrored => (0.003, 1.0, 0),
            Self::Instances => (0.0, 1.0, 0),
        };
        Gate { metric: self, excess, ratio, floor: Duration::from_millis(floor), is_asked_for: false }
    }

    fn is_latency(self) -> bool {
        matches!(self, Self::P50 | Self::P95 | Self::P99)
    }
}

/// One gate.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What it looks at.
    pub metric: Metric,
    /// How much larger the share of bad requests may be than on the other side, from 0 to 1. For percentiles a request
    /// is bad when it took longer than `ratio` times that of the other side, and longer than that plus `floor`.
    pub excess: f64,
    /// See `excess`.
    pub ratio: f64,
    /// See `excess`.
    pub floor: Duration,
    /// Whether the file names it, so that having no data for it holds.
    pub is_asked_for: bool,
}

/// All gates, and how much they must have seen before they let anything pass.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Requests of the new side since the share changed.
    pub step: u64,
    /// Of these, requests of each class that has any.
    pub class: u64,
    /// The gates.
    pub gates: Vec<Gate>,
}

impl Default for Plan {
    fn default() -> Self {
        Self { step: 3000, class: 300, gates: Metric::ALL.map(Metric::standard).to_vec() }
    }
}

impl Plan {
    /// Understands a file of gates. What it does not name is as without a file.
    ///
    /// # Errors
    ///
    /// All problems with their lines.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let document = file::load(text).map_err(|problem| vec![problem])?;
        let mut problems = Vec::new();
        let mut plan = Self::default();
        let Some(mapping) = document.as_mapping() else {
            let message = "the file must have keys: write `gates:` with a list under it".to_owned();
            return Err(vec![Problem { line: line(document.span()), message }]);
        };
        let mut keys = Keys::of(mapping);
        for (name, least, field) in [("step", 1000, &mut plan.step), ("class", 100, &mut plan.class)] {
            let Some(node) = keys.take(name) else { continue };
            match file::text(node, name).map(|text| text.parse().ok().filter(|count| *count >= least)) {
                Ok(Some(count)) => *field = count,
                Ok(None) => {
                    let message =
                        format!("`{name}` must be a number of requests of at least {least}: fewer prove too little");
                    problems.push(Problem { line: line(node.span()), message });
                }
                Err(problem) => problems.push(problem),
            }
        }
        for node in keys.take("gates").and_then(|node| node.as_sequence()).into_iter().flat_map(|list| list.iter()) {
            match gate(node) {
                Ok(gate) => {
                    if let Some(standard) = plan.gates.iter_mut().find(|standard| standard.metric == gate.metric) {
                        if standard.is_asked_for {
                            let message = format!("the gate {} is there twice: remove one", gate.metric.name());
                            problems.push(Problem { line: line(node.span()), message });
                        }
                        *standard = gate;
                    }
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        keys.finish(&mut problems);
        problems.sort_by_key(|problem| problem.line);
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    /// A gate of the plan.
    pub fn gate(&self, metric: Metric) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.metric == metric)
    }
}

fn gate(node: &marked_yaml::Node) -> Result<Gate, Vec<Problem>> {
    let at = line(node.span());
    let problem = |line, message: String| vec![Problem { line, message }];
    let Some(mapping) = node.as_mapping() else {
        return Err(problem(at, "a gate must have keys: write `- metric: errors`".to_owned()));
    };
    let names = || Metric::ALL.map(Metric::name).join(", ");
    let mut keys = Keys::of(mapping);
    let Some(metric) = keys.take("metric") else {
        return Err(problem(at, format!("the gate has no metric: add `metric:` with one of {}", names())));
    };
    let at_metric = line(metric.span());
    let name = file::text(metric, "the metric").map_err(|problem| vec![problem])?;
    let Some(metric) = Metric::ALL.into_iter().find(|metric| metric.name() == name) else {
        return Err(problem(at_metric, format!("there is no metric {name:?}: use one of {}", names())));
    };
    let mut gate = Gate { is_asked_for: true, ..metric.standard() };
    let mut problems = Vec::new();
    if let Some(node) = keys.take("excess") {
        match read(node, "excess", "%", 0.0..=100.0) {
            Ok(percent) => gate.excess = percent / 100.0,
            Err(problem) => problems.push(problem),
        }
    }
    if metric.is_latency() {
        if let Some(node) = keys.take("ratio") {
            match read(node, "ratio", "", 1.0..=100.0) {
                Ok(ratio) => gate.ratio = ratio,
                Err(problem) => problems.push(problem),
            }
        }
        if let Some(node) = keys.take("floor") {
            match read(node, "floor", "ms", 0.0..=60_000.0) {
                Ok(millis) => gate.floor = Duration::from_secs_f64(millis / 1000.0),
                Err(problem) => problems.push(problem),
            }
        }
    }
    keys.finish(&mut problems);
    if problems.is_empty() { Ok(gate) } else { Err(problems) }
}

/// A number with its unit. `NaN` is none, although it can be read.
fn read(
    node: &marked_yaml::Node,
    name: &str,
    unit: &str,
    allowed: std::ops::RangeInclusive<f64>,
) -> Result<f64, Problem> {
    let text = file::text(node, name)?;
    let number = text.strip_suffix(unit).and_then(|number| number.trim().parse::<f64>().ok());
    number.filter(|number| allowed.contains(number)).ok_or_else(|| {
        let (from, to) = (allowed.start(), allowed.end());
        let message = format!("`{name}` must be a number from {from}{unit} to {to}{unit}, but is {text:?}");
        Problem { line: line(node.span()), message }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Metric, Plan};

    #[test]
    fn file_changes_what_it_names_and_nothing_else() {
        let plan = Plan::parse("step: 5000\ngates:\n- metric: p95\n  ratio: 2\n  floor: 40ms\n").unwrap();
        let (p95, standard) = (plan.gate(Metric::P95).unwrap(), Plan::default());
        assert_eq!((plan.step, plan.class), (5000, 300));
        assert_eq!((p95.ratio, p95.floor, p95.is_asked_for), (2.0, Duration::from_millis(40), true));
        assert_eq!(plan.gate(Metric::Errors), standard.gate(Metric::Errors));
    }

    #[test]
    fn misspelt_metrics_and_numbers_that_are_none_are_refused_with_their_lines() {
        for (text, line, part) in [
            ("gates:\n- metric: eror_rate\n", 2, "use one of errors, client_errors, overdue"),
            ("gates:\n- metrik: errors\n", 2, "has no metric"),
            ("gates:\n- metric: errors\n  exces: 1%\n", 3, "use one of metric, excess"),
            ("gates:\n- metric: errors\n  excess: NaN%\n", 3, "from 0% to 100%"),
            ("gates:\n- metric: errors\n  excess: 1\n", 3, "from 0% to 100%"),
            ("gates:\n- metric: p95\n  ratio: inf\n", 3, "from 1 to 100"),
            ("gates:\n- metric: p95\n- metric: p95\n", 3, "twice"),
            ("step: 10\n", 1, "at least 1000"),
            ("gates: []\ngaets: []\n", 2, "use one of step, class, gates"),
            ("- errors\n", 1, "must have keys"),
        ] {
            let problems = Plan::parse(text).expect_err(text);
            let found = problems.iter().any(|problem| problem.line == line && problem.message.contains(part));
            assert!(found, "{text}: {problems:?}");
        }
    }
}
