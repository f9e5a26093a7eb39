//! The step: nothing is begun before everything was looked at.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Inputs, Limits, Report, Severity, look};
use crate::config::{collect, merge};
use crate::report::kept;
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result, files};

/// Looks at everything, and refuses where a check says stop.
pub struct Preflight;

impl Step for Preflight {
    fn name(&self) -> &'static str {
        "preflight"
    }

    fn about(&self) -> &'static str {
        "check everything that can be known before anything is changed"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async { Ok(vec![Call::Write(preview.folder.preflight().display().to_string())]) })
    }

    fn precondition<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let report = look(&inputs(cx)?).await?;
            let path = cx.folder.preflight();
            cx.call(Call::Write(path.display().to_string())).await?;
            kept::keep_preflight(&cx.folder, cx.clock.now(), &report)?;
            refuse(&report, &cx.plan.accept)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let kept: Option<kept::Preflight> = files::read_json(&cx.folder.preflight())?;
            // What somebody looked at before there was a plan was looked at without it.
            let Some(kept) = kept.filter(|kept| kept.at >= cx.plan.made_at) else { return Ok(None) };
            let of = |severity: &'static str| kept.checks.iter().filter(move |one| one.severity == severity);
            let is_clear = of("stop").all(|one| cx.plan.accept.contains(&one.check));
            Ok(is_clear.then(
                || json!({ "checks": kept.checks.len(), "warnings": of("warn").count(), "accepted": of("stop").count() }),
            ))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        // It only looked.
        Box::pin(async { Ok(()) })
    }
}

fn inputs(cx: &Cx) -> Result<Inputs> {
    let services = cx.plan.old.as_deref().map(collect).transpose()?.unwrap_or_default();
    let mut surroundings = cx.surroundings.clone();
    if surroundings.jwt_secret.is_none() {
        // The new service's environment is written from theirs in the next step.
        let merged = merge(&services, &cx.plan.take, cx.rng.as_ref());
        surroundings.jwt_secret = merged.value("JWT_SECRET").cloned();
    }
    Ok(Inputs {
        url: cx.url.clone(),
        surroundings,
        services,
        tools: cx.tools.clone(),
        backup: cx.folder.path().to_owned(),
        clock: Arc::clone(&cx.clock),
        limits: Limits::default(),
    })
}

/// Names every check that is in the way, each with what to do.
fn refuse(report: &Report, accepted: &[String]) -> Result<()> {
    let stops: Vec<_> = report
        .alarms()
        .filter(|one| one.severity == Severity::Stop && !accepted.iter().any(|name| name == one.check))
        .collect();
    let Some(first) = stops.first() else { return Ok(()) };
    let shown: Vec<String> = stops.iter().map(|one| format!("  {one}")).collect();
    Err(Error::refused(
        format!("{} of {} checks are in the way:\n{}\n", stops.len(), report.checks.len(), shown.join("\n")),
        format!(
            "do what stands behind each arrow and run the same command again, or accept one with `--accept {}`",
            first.check
        ),
    ))
}
