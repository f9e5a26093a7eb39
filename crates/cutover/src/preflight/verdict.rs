//! What a check found.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; the take-over can begin.
    Warn,
    /// The take-over must not begin.
    Stop,
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The check's name; it never changes.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is so. Never contains a secret.
    pub fact: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Verdict {
    pub(super) fn ok(check: &'static str, fact: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, fact: fact.into(), remedy: None }
    }

    pub(super) fn warn(check: &'static str, fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, severity: Severity::Warn, fact: fact.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn stop(check: &'static str, fact: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Stop, ..Self::warn(check, fact, remedy) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Ok => "ok",
            Severity::Warn => "warn",
            Severity::Stop => "STOP",
        };
        write!(f, "{word:<4}  {:<28}  {}", self.check, self.fact)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n      -> {remedy}"),
            None => Ok(()),
        }
    }
}

/// All checks, the worst last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether a take-over may begin.
    pub ready: bool,
    /// What was found.
    pub checks: Vec<Verdict>,
}

impl Report {
    pub(super) fn of(mut checks: Vec<Verdict>) -> Self {
        checks.sort_by_key(|one| one.severity);
        // Several sessions may have found the same.
        let mut known = BTreeSet::new();
        checks.retain(|one| known.insert((one.check, one.fact.clone())));
        Self { ready: checks.iter().all(|one| one.severity != Severity::Stop), checks }
    }

    /// The checks that are not as they should be.
    pub fn alarms(&self) -> impl Iterator<Item = &Verdict> {
        self.checks.iter().filter(|one| one.severity != Severity::Ok)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.checks.iter().try_for_each(|one| writeln!(f, "{one}"))?;
        let count = |severity| self.checks.iter().filter(|one| one.severity == severity).count();
        let (stops, warnings) = (count(Severity::Stop), count(Severity::Warn));
        write!(f, "\n{} checks: {stops} in the way, {warnings} to know", self.checks.len())
    }
}
