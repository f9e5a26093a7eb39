//! `check-config`: what takes effect, and everything that is wrong with it.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use crate::config::{self, Entry, Inputs, Loaded};
use crate::finding::{Finding, Severity};
use crate::{check, command};

pub(super) const ABOUT: &str = "\
Show the configuration and everything that is wrong with it.

Prints every key with its value, secrets redacted, and where the value came from. Then looks at secrets, ports and \
directories, connects to PostgreSQL (version, log-in role, privileges, row-level security tried out, migrations) and to \
Redis if it is configured, and lists all findings with what to do about them. The local database is started for it if \
it does not run.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform check-config
  pyairtable-platform --check-config --environment production
  pyairtable-platform check-config --format json | jq '.checks[] | select(.severity == \"problem\")'

Exit codes:
  0  `serve` would start; there may be warnings
  1  there are problems
  2  used wrongly";

/// How to print the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    configuration: &'a [Entry],
    checks: &'a [Finding],
}

pub(super) fn run(inputs: &Inputs, format: Format) -> anyhow::Result<ExitCode> {
    let loaded = config::load(inputs);
    let runtime = command::runtime(1)?;
    let mut findings = runtime.block_on(check::everything(&loaded));
    // The worst last: it is what stays on the screen.
    findings.sort_by_key(|finding| finding.severity != Severity::Ok);
    findings.sort_by_key(Finding::is_problem);
    let ok = !findings.iter().any(Finding::is_problem);
    let mut out = io::stdout().lock();
    match format {
        Format::Text => text(&mut out, &loaded, &findings)?,
        Format::Json => {
            let report = Report { ok, configuration: &loaded.entries, checks: &findings };
            serde_json::to_writer_pretty(&mut out, &report).map_err(io::Error::from)?;
            writeln!(out)?;
        }
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(out: &mut impl Write, loaded: &Loaded, findings: &[Finding]) -> io::Result<()> {
    let width = |text: fn(&Entry) -> &str| loaded.entries.iter().map(|entry| text(entry).chars().count()).max();
    let keys = width(|entry| entry.key).unwrap_or(0);
    let values = width(|entry| &entry.value).unwrap_or(0);
    writeln!(out, "Configuration")?;
    for Entry { key, value, source } in &loaded.entries {
        let line = format!("  {key:keys$}  {value:values$}  {source}");
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "\nChecks")?;
    for finding in findings {
        for line in finding.to_string().lines() {
            writeln!(out, "  {line}")?;
        }
    }
    let count = |severity, noun| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
    };
    writeln!(out, "\n{}, {}", count(Severity::Problem, "problem"), count(Severity::Warning, "warning"))
}
