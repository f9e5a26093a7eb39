//! The commands that speak to a running gateway over its control socket.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use gateway::control::client::{Answer, ask};
use serde_json::{Map, Value, json};
use web::server::shutdown_signal;

use super::arguments::{ForceArgs, OrderArgs, SetArgs, SocketArgs};
use crate::command;

pub(super) const SET: &str = "\
Put a share of people on the new side.

Who is there stays there while the share grows. A share above the last confirmed one is on lease: unless somebody renews \
it within 15 s, as --hold does, the gateway returns to the confirmed share by itself. Families that have services on one side \
only are skipped. Refused when no new service answers, unless --anyway is given.";

pub(super) const AFTER_HELP: &str = "\
Examples:
  pyairtable-platform gateway set 10% --hold --who ada --why 'second step'
  pyairtable-platform gateway confirm --who ada --why 'an hour without errors'

Exit codes:
  0  done
  1  refused, or the lease was lost; standard error says why
  2  used wrongly";

pub(super) const RETURN: &str = "\
Put everybody back on the old side, at once, and keep them there until thaw.

Needs no lease and works on a frozen family. Refused when no old service answers, unless --anyway is given.";

/// Often enough that several may be lost.
const RENEW: Duration = Duration::from_secs(3);

pub(super) fn status(arguments: &SocketArgs) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        let answer = speak(arguments, "/status", None).await?;
        writeln!(io::stdout().lock(), "{:#}", answer.body)?;
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn order(arguments: &OrderArgs, path: &str, more: &[(&str, Value)]) -> anyhow::Result<ExitCode> {
    command::runtime(1)?.block_on(async {
        give(arguments, path, more).await?;
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn set(arguments: &SetArgs) -> anyhow::Result<ExitCode> {
    let share = Value::String(arguments.share.to_string());
    command::runtime(1)?.block_on(async {
        give(&arguments.order, "/set", &[("share", share), ("anyway", arguments.anyway.into())]).await?;
        if arguments.hold {
            hold(&arguments.order).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn force(arguments: &ForceArgs) -> anyhow::Result<ExitCode> {
    let ForceArgs { to, whom, who, why, socket } = arguments;
    let body = json!({
        "who": who, "why": why, "user": whom.user, "tenant": whom.tenant, "header": whom.header,
        "to": (to != "none").then_some(to),
    });
    command::runtime(1)?.block_on(async {
        let answer = speak(socket, "/force", Some(&body)).await?;
        if !answer.done {
            bail!("{}", said(&answer));
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Renews until told to stop. Whoever slept too long learns that the share is another one.
async fn hold(order: &OrderArgs) -> anyhow::Result<()> {
    let mut stop = std::pin::pin!(shutdown_signal());
    loop {
        tokio::select! {
            signal = &mut stop => {
                signal?;
                return Ok(());
            }
            () = tokio::time::sleep(RENEW) => {
                let answer = speak(&order.socket, "/renew", Some(&body(order, &[]))).await?;
                if !answer.done {
                    bail!("{}", said(&answer));
                }
            }
        }
    }
}

async fn give(order: &OrderArgs, path: &str, more: &[(&str, Value)]) -> anyhow::Result<()> {
    let answer = speak(&order.socket, path, Some(&body(order, more))).await?;
    if !answer.done {
        bail!("{}", said(&answer));
    }
    let mut out = io::stdout().lock();
    for change in answer.body["changes"].as_array().into_iter().flatten() {
        let text = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        writeln!(out, "{}: {} -> {}", text("family"), text("from"), text("to"))?;
    }
    for family in answer.body["skipped"].as_array().into_iter().flatten() {
        writeln!(out, "{}: skipped, as it has services on one side only", family.as_str().unwrap_or_default())?;
    }
    out.flush()?;
    Ok(())
}

fn body(order: &OrderArgs, more: &[(&str, Value)]) -> Value {
    let mut body = Map::new();
    for (key, value) in [("who", &order.who), ("why", &order.why), ("family", &order.family)] {
        body.insert(key.to_owned(), value.as_str().into());
    }
    body.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    Value::Object(body)
}

pub(super) fn said(answer: &Answer) -> &str {
    answer.body["error"].as_str().unwrap_or("the gateway refused and did not say why")
}

pub(super) async fn speak(arguments: &SocketArgs, path: &str, body: Option<&Value>) -> anyhow::Result<Answer> {
    let socket = &arguments.socket;
    ask(socket, path, body).await.with_context(|| {
        format!("no gateway answers at {}: start one, or name its socket with --socket", socket.display())
    })
}
