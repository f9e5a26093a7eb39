//! What a look at the configuration found: one line a person can act on.

use std::fmt;
use std::io::{self, Write};

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Looked at and good.
    Ok,
    /// Could not be looked at; says why.
    Skipped,
    /// Works, but is probably not what is wanted.
    Warning,
    /// Must be put right before the program serves.
    Problem,
}

impl Severity {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The configuration key or the component it is about.
    pub subject: &'static str,
    /// What is so. Never contains a secret.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    pub(crate) fn ok(subject: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, subject, message: message.into(), remedy: None }
    }

    pub(crate) fn skipped(subject: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Skipped, subject, message: message.into(), remedy: None }
    }

    pub(crate) fn warning(subject: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, subject, message: message.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn problem(subject: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Problem, ..Self::warning(subject, message, remedy) }
    }

    /// A problem in production, where somebody's data is at stake; elsewhere only worth a word.
    pub(crate) fn grave(
        production: bool,
        subject: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let severity = if production { Severity::Problem } else { Severity::Warning };
        Self { severity, ..Self::warning(subject, message, remedy) }
    }

    /// Whether it stands in the way of serving.
    pub fn is_problem(&self) -> bool {
        self.severity == Severity::Problem
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {}: {}", self.severity.word(), self.subject, self.message)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n         -> {remedy}"),
            None => Ok(()),
        }
    }
}

/// Says why a command does not run: every problem at once, with its remedy.
pub(crate) fn refuse(out: &mut impl Write, command: &str, findings: &[Finding]) -> io::Result<()> {
    let problems: Vec<&Finding> = findings.iter().filter(|finding| finding.is_problem()).collect();
    let noun = if problems.len() == 1 { "problem" } else { "problems" };
    writeln!(out, "{command} does not run: {} {noun} in the configuration", problems.len())?;
    problems.iter().try_for_each(|problem| writeln!(out, "{problem}"))
}
