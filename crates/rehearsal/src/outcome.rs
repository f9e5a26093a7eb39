//! How a rehearsal went: what is shown, and the same for programs.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::load::{Failure, Report};
use crate::reconcile::Reconciled;
use crate::stage::{Ended, Options, Phase};

/// What was broken on purpose: from then until traffic was back on the old side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Fault {
    /// Whether a request was under way meanwhile.
    pub(crate) fn harmed(self, failure: &Failure) -> bool {
        let margin = SignedDuration::from_secs(1);
        let (from, to) = (self.from.checked_sub(margin), self.to.checked_add(margin));
        failure.at >= from.unwrap_or(self.from) && failure.at <= to.unwrap_or(self.to)
    }

    fn lasted(self) -> Duration {
        Duration::try_from(self.to.duration_since(self.from)).unwrap_or_default()
    }
}

const PATIENT: &str = "gates overlooked slow answers (--patient)";

/// How it went.
pub struct Outcome {
    pub(crate) report: Report,
    pub(crate) phases: Vec<Phase>,
    /// Failed by the fault, until traffic was back.
    pub(crate) harmed: Vec<Failure>,
    /// All others that failed.
    pub(crate) failed: Vec<Failure>,
    pub(crate) reconciled: Reconciled,
    /// From the first fault until traffic was back.
    pub(crate) returned_after: Option<Duration>,
    pub(crate) took: Duration,
    pub(crate) postgres: String,
    pub(crate) options: Options,
    /// What else is worth knowing.
    pub(crate) notes: Vec<String>,
    /// What an edition adds.
    pub(crate) sections: Vec<Section>,
    /// Whether something besides the requests was not as it should be.
    pub(crate) refuted: bool,
    /// The naive recipe on a world of its own.
    pub naive: Option<Box<Outcome>>,
}

impl Outcome {
    pub(crate) fn of(ended: Ended, faults: &[Fault], options: &Options) -> Self {
        let Ended { report, reconciled, phases, took, postgres, busy } = ended;
        let mut notes = Vec::new();
        if let Some(busy) = busy.filter(|busy| *busy > 1.0) {
            notes.push(format!("the machine had other work: its load average was {busy:.0} before anything began"));
        }
        notes.extend(options.patient.then(|| PATIENT.to_owned()));
        let is_harmed = |failure: &Failure| faults.iter().any(|fault| fault.harmed(failure));
        let (harmed, failed) = report.failures.iter().cloned().partition(is_harmed);
        Self {
            report,
            phases,
            harmed,
            failed,
            reconciled,
            returned_after: faults.first().copied().map(Fault::lasted),
            took,
            postgres,
            options: options.clone(),
            notes,
            sections: Vec::new(),
            refuted: false,
            naive: None,
        }
    }

    /// Whether nobody was failed but by the fault, nothing was lost and nothing was done twice.
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty() && self.reconciled.lost.is_empty() && self.reconciled.doubled.is_empty()
    }

    /// Whether it holds what it promises: itself clean, and the naive recipe, if it was tried, caught failing people and
    /// losing writes by the same questions.
    pub fn holds(&self) -> bool {
        let caught = |naive: &Self| !naive.failed.is_empty() && !naive.reconciled.lost.is_empty();
        self.is_clean() && !self.refuted && self.naive.as_deref().is_none_or(caught)
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let seconds = self.report.seconds();
        self.phases.iter().map(move |Phase { name, from, to }| {
            let in_it = |second: &&(u64, crate::load::Second)| (*from..*to).contains(&second.0);
            let requests = seconds.iter().filter(in_it).map(|(_, second)| second.requests).sum();
            let [p50, p99] = [0.5, 0.99].map(|share| self.report.percentile(*from..*to, share));
            Line { name, from: *from, to: *to, requests, p50, p99 }
        })
    }

    /// `200 requests, 0 failed, 0 lost, 0 doubled, 20 seconds`
    pub(crate) fn sums(&self) -> String {
        let Reconciled { lost, doubled, .. } = &self.reconciled;
        format!(
            "{} requests, {} failed, {} lost, {} doubled, {} seconds",
            self.report.total(),
            self.failed.len(),
            lost.len(),
            doubled.len(),
            self.took.as_secs()
        )
    }

    /// The last line, which counts.
    pub fn last_line(&self) -> String {
        format!("rehearsal: {}", self.sums())
    }

    /// What `rehearsal.json` in the run's folder holds, and `--json` prints.
    pub fn to_json(&self) -> Value {
        let at = self.report.at.as_second();
        let since = |second: u64| at.saturating_add_unsigned(second);
        let phases = self.lines().map(|line| {
            json!({ "name": line.name, "from": since(line.from), "to": since(line.to), "requests": line.requests,
                    "p50_ms": line.p50, "p99_ms": line.p99 })
        });
        let seconds = self.report.seconds().into_iter().map(|(second, of)| {
            json!({ "at": since(second), "requests": of.requests, "failed": of.failed, "p50_ms": of.p50, "p99_ms": of.p99 })
        });
        let naive = self.naive.as_deref().map(|naive| {
            json!({ "requests": naive.report.total(), "failed": naive.failed.len(), "harmed": naive.harmed.len(),
                    "lost": naive.reconciled.lost.len(), "doubled": naive.reconciled.doubled.len(),
                    "seconds": naive.took.as_secs_f64(), "notes": naive.notes })
        });
        let mut all = json!({
            "requests": self.report.total(),
            "failed": self.failed.len(),
            "lost": self.reconciled.lost.len(),
            "doubled": self.reconciled.doubled.len(),
            "seconds": self.took.as_secs_f64(),
            "harmed": self.harmed.len(),
            "acknowledged": self.reconciled.acknowledged,
            "returned_after_seconds": self.returned_after.map(|after| after.as_secs_f64()),
            "by_kind": self.report.requests,
            "failures": self.failed.iter().take(100).collect::<Vec<_>>(),
            "lost_rows": self.reconciled.lost.iter().take(100).collect::<Vec<_>>(),
            "doubled_rows": self.reconciled.doubled.iter().take(100).collect::<Vec<_>>(),
            "phases": phases.collect::<Vec<_>>(),
            "per_second": seconds.collect::<Vec<_>>(),
        });
        if let Some(naive) = naive {
            all["naive"] = naive;
        }
        for Section { title, head, rows } in &self.sections {
            let row = |row: &Vec<String>| {
                head.iter().zip(row).map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
            };
            all["sections"][title] = rows.iter().map(row).collect::<Vec<Value>>().into();
        }
        all
    }
}

/// A table of an edition.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) head: &'static [&'static str],
    pub(crate) rows: Vec<Vec<String>>,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
            cells.chain([self.head[column].len()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        writeln!(f, "{}", self.title)?;
        let head = self.head.iter().map(|cell| (*cell).to_owned()).collect();
        for row in [&head].into_iter().chain(&self.rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            writeln!(f, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

/// A phase as it is shown.
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) requests: usize,
    /// Milliseconds.
    pub(crate) p50: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
}

/// Everything but the last line.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<44} {:>8} {:>9} {:>9} {:>9}", "phase", "seconds", "requests", "p50 ms", "p99 ms")?;
        for Line { name, from, to, requests, p50, p99 } in self.lines() {
            writeln!(f, "{name:<44} {:>8} {requests:>9} {p50:>9.1} {p99:>9.1}", to - from)?;
        }
        writeln!(f)?;
        if let Some(after) = self.returned_after.filter(|_| self.sections.is_empty()) {
            let harmed = self.harmed.len();
            writeln!(
                f,
                "the new side killed: traffic was back after {:.1} s, {harmed} requests harmed by then",
                after.as_secs_f64()
            )?;
        }
        for section in &self.sections {
            writeln!(f, "{section}")?;
        }
        writeln!(f, "ledger beside the tables: {}", self.reconciled)?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for Failure { at, kind, why } in self.failed.iter().take(10) {
            writeln!(f, "failed: {at} {kind:?}: {why}")?;
        }
        if self.failed.len() > 10 {
            writeln!(f, "failed: {} more", self.failed.len() - 10)?;
        }
        if let Some(naive) = &self.naive {
            write!(f, "\nthe naive recipe under the same load:\n{naive}naive: {}\n", naive.sums())?;
        }
        Ok(())
    }
}
