//! What a replay came to: for people a table and one line that counts, for programs `parity.json`.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::difference::Found;

/// How one request went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// The endpoint.
    pub endpoint: String,
    /// The case.
    pub case: &'static str,
    /// Both statuses, of the old side and of the new one; none if it was left out.
    pub statuses: Option<(u16, u16)>,
    /// Why it was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// Differences that are meant, with their reasons.
    pub intended: Vec<Intended>,
    /// Differences that nothing explains.
    pub unexplained: Vec<Found>,
}

/// A difference that is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Intended {
    /// The difference.
    #[serde(flatten)]
    pub found: Found,
    /// Why.
    pub reason: String,
}

/// How far an endpoint was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// At least one request succeeded on both sides, and its traces were compared.
    Compared,
    /// The old services never did what was asked, so there is nothing to compare with.
    OldNever,
    /// This program never did.
    NewNever,
    /// No case could be replayed.
    LeftOut,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The run whose backup it was.
    pub run: String,
    /// The manifest's SHA-256: which backup.
    pub manifest_sha256: String,
    /// What chose the rows.
    pub seed: u64,
    /// How far each endpoint was compared.
    pub endpoints: BTreeMap<String, Reach>,
    /// All cases in their order.
    pub cases: Vec<Replayed>,
    /// How many rows were compared.
    pub rows: u64,
    /// How often which noise was met.
    pub noise: BTreeMap<&'static str, u64>,
    /// Rows that the digests of whole tables find different and no request was seen to touch.
    pub unseen: Vec<String>,
    /// How long it took.
    pub seconds: u64,
}

impl Outcome {
    /// Endpoints that were compared.
    pub fn compared(&self) -> usize {
        self.endpoints.values().filter(|reach| **reach == Reach::Compared).count()
    }

    /// Differences that nothing explains.
    pub fn unexplained(&self) -> impl Iterator<Item = (&Replayed, &Found)> {
        self.cases.iter().flat_map(|case| case.unexplained.iter().map(move |found| (case, found)))
    }

    /// Whether both sides did the same, and everything was tried that the old services do.
    pub fn is_clean(&self) -> bool {
        let tried = |reach: &Reach| matches!(reach, Reach::Compared | Reach::OldNever);
        self.unexplained().next().is_none() && self.unseen.is_empty() && self.endpoints.values().all(tried)
    }

    /// How many of the cases were replayed.
    pub fn replayed(&self) -> usize {
        self.cases.iter().filter(|case| case.statuses.is_some()).count()
    }

    /// How far each endpoint was compared, as its cases say.
    pub(super) fn reach(cases: &[Replayed]) -> BTreeMap<String, Reach> {
        let mut all: BTreeMap<String, Reach> = BTreeMap::new();
        let done = |status: u16| (200..300).contains(&status);
        for case in cases.iter().filter(|case| case.endpoint != super::START) {
            let of: Vec<(u16, u16)> = cases
                .iter()
                .filter(|other| other.endpoint == case.endpoint)
                .filter_map(|other| other.statuses)
                .collect();
            let reach = match () {
                () if of.is_empty() => Reach::LeftOut,
                () if of.iter().any(|(old, new)| done(*old) && done(*new)) => Reach::Compared,
                () if of.iter().any(|(old, _)| done(*old)) => Reach::NewNever,
                () => Reach::OldNever,
            };
            all.insert(case.endpoint.clone(), reach);
        }
        all
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unexplained = 0;
        for (case, found) in self.unexplained() {
            unexplained += 1;
            let Found { field, kind, key, old, new } = found;
            let row = if key.is_empty() { String::new() } else { format!(" of {}", key.join(", ")) };
            writeln!(f, "DIFFERS  {}, {}: {field}{row}: {kind}: old {old}, new {new}", case.endpoint, case.case)?;
        }
        for row in &self.unseen {
            writeln!(f, "DIFFERS  {row}, and no request was seen to touch it")?;
        }
        for (endpoint, reach) in &self.endpoints {
            let why = match reach {
                Reach::Compared => continue,
                Reach::OldNever => "the old services do not do it on this data: only refusals were compared",
                Reach::NewNever => "this program refused every request",
                Reach::LeftOut => "the backup has no rows to try it on",
            };
            writeln!(f, "{endpoint}: {why}")?;
        }
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for intended in self.cases.iter().flat_map(|case| &case.intended) {
            *reasons.entry(&intended.reason).or_default() += 1;
        }
        for (reason, count) in &reasons {
            writeln!(f, "intended {count:>3}  {reason}")?;
        }
        write!(
            f,
            "write parity: {} of {} endpoints, {} cases, {} rows, {} unexplained differences",
            self.compared(),
            self.endpoints.len(),
            self.replayed(),
            self.rows,
            unexplained + self.unseen.len()
        )
    }
}
