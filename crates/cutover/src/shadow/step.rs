//! The step: learn, compare, and go on if nothing differs.

use std::time::{Duration, Instant};

use gateway::shadow::{Mode, Report};
use serde_json::{Value, json};

use super::ShadowPlan;
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::shift::Gateway;
use crate::{Error, Result, files};

/// How often the gateway is asked what was found.
const LOOK: Duration = Duration::from_millis(250);
/// Differences that are named in the error; the gateway knows all.
const NAMED: usize = 20;

/// Compares both sides' answers to the reads that people make.
pub struct Shadow {
    plan: ShadowPlan,
    gateway: Gateway,
}

impl Shadow {
    /// So much, through this gateway.
    pub const fn new(plan: ShadowPlan, gateway: Gateway) -> Self {
        Self { plan, gateway }
    }

    async fn learn(&self, cx: &mut Cx) -> Result<()> {
        if self.gateway.shadow().await?.learned >= gateway::shadow::ENOUGH {
            return Ok(());
        }
        cx.call(Call::Gateway("shadow learn from 100% of reads".to_owned())).await?;
        self.gateway.shadow_learns("what differs by itself is no difference").await?;
        loop {
            let report = self.gateway.shadow().await?;
            Self::is_on(&report, Mode::Learning)?;
            if report.learned >= gateway::shadow::ENOUGH {
                return Ok(());
            }
            cx.progress(
                "reads asked twice of the old services, to learn noise",
                report.learned,
                gateway::shadow::ENOUGH,
            );
            cx.breathe().await?;
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn compare(&self, cx: &mut Cx) -> Result<Report> {
        let ShadowPlan { seconds, reads } = self.plan;
        cx.call(Call::Gateway("shadow compare 100% of reads".to_owned())).await?;
        self.gateway.shadow_compares(&format!("before traffic of run {} moves", cx.plan.run)).await?;
        let began = Instant::now();
        loop {
            tokio::time::sleep(LOOK).await;
            let report = self.gateway.shadow().await?;
            Self::is_on(&report, Mode::Comparing)?;
            let held = began.elapsed().as_secs();
            // All that differs is found out, so that it can be mended at once.
            if held >= seconds && report.reads.compared >= reads {
                return Ok(report);
            }
            cx.breathe().await?;
            if held < seconds {
                cx.progress("comparing answers, seconds", held, seconds);
            } else {
                cx.progress("reads compared", report.reads.compared, reads);
            }
        }
    }

    fn is_on(report: &Report, mode: Mode) -> Result<()> {
        if report.mode == mode {
            return Ok(());
        }
        Err(Error::refused(
            format!("somebody else told the shadow otherwise: it is {:?} now", report.mode),
            "see `pyairtable-platform gateway status` for who it was, and run the same command again",
        ))
    }
}

impl Step for Shadow {
    fn name(&self) -> &'static str {
        "shadow"
    }

    fn about(&self) -> &'static str {
        "ask the new service what the old ones are asked, and compare"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async {
            Ok(vec![
                Call::Gateway("shadow learn from 100% of reads".to_owned()),
                Call::Gateway("shadow compare 100% of reads".to_owned()),
                Call::Write(preview.folder.shadow().display().to_string()),
            ])
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { self.gateway.served(cx).await })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            self.learn(cx).await?;
            let report = self.compare(cx).await?;
            let path = cx.folder.shadow();
            cx.call(Call::Write(path.display().to_string())).await?;
            files::replace_json(&path, &report)?;
            equal(&report)
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let report: Option<Report> = files::read_json(&cx.folder.shadow())?;
            Ok(report.filter(|report| report.differences.is_empty()).map(|report| {
                json!({
                    "compared": report.reads.compared,
                    "different": report.reads.different,
                    "intended": report.reads.intended,
                })
            }))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            cx.call(Call::Gateway("shadow stop".to_owned())).await?;
            self.gateway.shadow_stops(&format!("rollback of run {}", cx.plan.run)).await?;
            let path = cx.folder.shadow();
            cx.call(Call::Remove(path.display().to_string())).await?;
            files::remove(&path)
        })
    }
}

/// Refuses with the fields that differ.
fn equal(report: &Report) -> Result<()> {
    if report.differences.is_empty() {
        return Ok(());
    }
    let named = report.differences.iter().take(NAMED).map(|one| {
        format!("  {} {}: old {}, new {} ({} times)", one.endpoint, one.field, one.legacy, one.platform, one.count)
    });
    Err(Error::differs(
        format!(
            "the new service answers otherwise than the old ones in {} of {} reads:\n{}\n",
            report.reads.different,
            report.reads.compared,
            named.collect::<Vec<_>>().join("\n")
        ),
        "mend it, or enter a difference that is meant into the gateway's register with its reason, and run the same command \
         again; no traffic has moved",
    ))
}
