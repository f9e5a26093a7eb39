//! The commands that show what a running gateway measured: counters, gates, and what the shadow found.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use gateway::shadow::register::BUILT_IN;
use serde_json::{Value, json};

use super::arguments::{CountersArgs, GatesArgs, ShadowArgs, ShadowCommand, SocketArgs};
use super::control::{said, speak};
use crate::command;

pub(super) const GATES: &str = "\
Show whether the new side is worse than the old one.

Once a second every family is looked at: errors, requests that hang, percentiles of latency, single endpoints, instances, and \
what the shadow finds. The new side is compared with the old one in the same seconds, and with the old one over the last \
fifteen minutes. A family passes only after 3,000 requests of the new side since its share changed, and 300 of each class. \
Without data it holds; while another family passes, one that nobody asked for is idle and keeps nobody from going on. When it fails twice in a row, and the share is above the safe one, the gateway puts the safe share in \
force by itself and freezes the family, unless it was disarmed.";

pub(super) const GATES_AFTER_HELP: &str = "\
Metrics of a file of gates: errors, client_errors, overdue, p50, p95, p99, endpoints, differences, mirrored, instances.
  excess  how much larger the share of bad requests may be than on the old side, in points
  ratio   for percentiles: a request is bad when it took longer than this many times that of the old side
  floor   for percentiles: and longer than that of the old side plus this

Exit codes:
  0  every family passes or is idle
  1  no gateway answers
  2  used wrongly
  3  a family holds and none fails
  4  a family fails";

pub(super) const SHADOW: &str = "\
Ask the other side what clients read, and compare the answers.

Only GET and HEAD are mirrored, after the client has its answer, and never a stream. Whatever happens to the mirrored request \
costs the client nothing. Let it learn first: it then asks the same side twice and learns which fields are never twice the \
same. Both sides see more reads than clients make, by the rate.";

pub(super) const REPORT: &str = "\
Show what differs, by endpoint and field.

Each line has one example: type, length and a mark that is the same for equal values. Values themselves are shown with --values \
only, and never those of fields such as passwords, tokens and e-mail addresses.

Exit codes:
  0  nothing differs
  1  no gateway answers
  2  used wrongly
  4  something differs that the register does not excuse";

pub(super) fn counters(arguments: &CountersArgs) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        let path =
            if arguments.metrics { "/metrics".to_owned() } else { format!("/counters?seconds={}", arguments.seconds) };
        let answer = speak(&arguments.socket, &path, None).await?;
        let mut out = io::stdout().lock();
        match answer.body["metrics"].as_str() {
            Some(text) => write!(out, "{text}")?,
            None => writeln!(out, "{:#}", answer.body)?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn gates(arguments: &GatesArgs) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        let answer = speak(&arguments.socket, "/gates", None).await?;
        if !answer.done {
            bail!("{}", said(&answer));
        }
        let mut out = io::stdout().lock();
        if arguments.json {
            writeln!(out, "{:#}", answer.body)?;
        } else {
            gates_in_words(&mut out, &answer.body)?;
        }
        let verdicts: Vec<&str> = families(&answer.body).map(|(_, family)| text(family, "verdict")).collect();
        Ok(match () {
            () if verdicts.contains(&"fail") => ExitCode::from(4),
            () if verdicts.is_empty() || verdicts.contains(&"hold") => ExitCode::from(3),
            () => ExitCode::SUCCESS,
        })
    })
}

fn families(report: &Value) -> impl Iterator<Item = (&String, &Value)> {
    report["families"].as_object().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn gates_in_words(out: &mut impl Write, report: &Value) -> io::Result<()> {
    for (name, family) in families(report) {
        let armed = if family["armed"] == true { "armed" } else { "not armed" };
        let (share, safe, state) = (text(family, "share"), text(family, "safe"), text(family, "state"));
        writeln!(out, "{name}: {} at {share} (safe {safe}, {armed}, {state})", text(family, "verdict"))?;
        let findings = family["findings"].as_array().into_iter().flatten();
        for finding in findings.filter(|finding| finding["verdict"] != "pass") {
            writeln!(out, "  {}: {}", text(finding, "verdict"), text(finding, "reason"))?;
        }
        if let Some(reason) = family["because"].as_str() {
            writeln!(out, "  {state} because of {reason}")?;
        }
    }
    Ok(())
}

pub(super) fn shadow(command: &ShadowCommand) -> anyhow::Result<ExitCode> {
    match command {
        ShadowCommand::Learn(arguments) => start("/shadow/learn", arguments, false),
        ShadowCommand::Start { anyway, arguments } => start("/shadow/start", arguments, *anyway),
        ShadowCommand::Stop { who, why, socket } => order(socket, "/shadow/stop", &json!({"who": who, "why": why})),
        ShadowCommand::Intended => {
            io::stdout().lock().write_all(BUILT_IN.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        ShadowCommand::Report { json, values, socket } => report(socket, *json, *values),
    }
}

fn start(path: &str, arguments: &ShadowArgs, anyway: bool) -> anyhow::Result<ExitCode> {
    let ShadowArgs { rate, who, why, socket } = arguments;
    order(socket, path, &json!({"who": who, "why": why, "rate": rate, "anyway": anyway}))
}

fn order(socket: &SocketArgs, path: &str, body: &Value) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        let answer = speak(socket, path, Some(body)).await?;
        if !answer.done {
            bail!("{}", said(&answer));
        }
        writeln!(io::stdout().lock(), "shadow: {}", text(&answer.body, "mode"))?;
        Ok(ExitCode::SUCCESS)
    })
}

fn report(socket: &SocketArgs, as_json: bool, values: bool) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        let path = if values { "/shadow?values=true" } else { "/shadow" };
        let answer = speak(socket, path, None).await?;
        let mut out = io::stdout().lock();
        if as_json {
            writeln!(out, "{:#}", answer.body)?;
        } else {
            report_in_words(&mut out, &answer.body)?;
        }
        let differs = answer.body["differences"].as_array().is_some_and(|list| !list.is_empty());
        Ok(if differs { ExitCode::from(4) } else { ExitCode::SUCCESS })
    })
}

fn report_in_words(out: &mut impl Write, report: &Value) -> io::Result<()> {
    writeln!(out, "shadow: {} at {}", text(report, "mode"), text(report, "rate"))?;
    let reads = &report["reads"];
    writeln!(
        out,
        "{} reads compared: {} equal, {} as intended, {} noise, {} different; {} failed on the new side only",
        reads["compared"], reads["equal"], reads["intended"], reads["noise"], reads["different"], reads["failed"]
    )?;
    writeln!(
        out,
        "{} sampled; not compared: {} dropped, {} unanswered, {} too large, {} compressed",
        reads["sampled"], reads["dropped"], reads["unanswered"], reads["too_large"], reads["encoded"]
    )?;
    let noisy = report["noisy"].as_array().map_or(0, Vec::len);
    writeln!(
        out,
        "noise: learned from {} reads of {} endpoints, {noisy} fields are not always the same",
        report["learned"], report["endpoints"]
    )?;
    for (reason, count) in report["intended"].as_object().into_iter().flatten() {
        writeln!(out, "intended {count} times: {reason}")?;
    }
    for found in report["differences"].as_array().into_iter().flatten() {
        let [endpoint, field, kind, legacy, platform, request_id] =
            ["endpoint", "field", "kind", "legacy", "platform", "request_id"].map(|key| text(found, key));
        writeln!(out, "different {} times: {endpoint} {field}: {kind}", found["count"])?;
        writeln!(out, "  old: {legacy}; new: {platform}; first in request {request_id}")?;
    }
    Ok(())
}
