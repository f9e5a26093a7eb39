//! One share: raised, watched, declared safe.

use std::time::{Duration, Instant};

use gateway::split::Share;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::gateway::Verdict;
use super::series::Recorder;
use super::{Gateway, Proceed, ShareStep};
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::{Error, Result};

/// A fifth of the lease: one lost renewal ends nothing.
const RENEW: Duration = Duration::from_secs(3);
/// The gates look once a second.
const LOOK: Duration = Duration::from_millis(250);
/// How often the series gets a line.
const RECORD: Duration = Duration::from_secs(1);
/// How long gates hold until the journal says why; after that, each time it has become twice as long.
const LASTING: Duration = Duration::from_mins(1);

/// Puts a share of the people on the new side.
pub struct Shift {
    name: &'static str,
    about: &'static str,
    step: ShareStep,
    gateway: Gateway,
}

impl Shift {
    /// The step of this share, through this gateway.
    pub fn new(step: ShareStep, gateway: Gateway) -> Self {
        // Names last as long as the program: there are few, and the journal compares them.
        let name = Box::leak(format!("shift-{}", step.share.to_string().trim_end_matches('%')).into_boxed_str());
        let about = format!("serve {} of the people and hold that for {} s", step.share, step.hold);
        Self { name, about: Box::leak(about.into_boxed_str()), step, gateway }
    }

    async fn watch(&self, cx: &mut Cx, series: &mut Recorder) -> Result<()> {
        let ShareStep { share, hold, proceed } = self.step;
        let began = Instant::now();
        let mut lasting = LASTING;
        // What a gate said before the gateway went back is gone from its report afterwards.
        let mut failed: Option<(String, Value)> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            series.look().await;
            let verdict = self.gateway.verdict(share).await?;
            if let Verdict::Fail(reason) = &verdict
                && failed.is_none()
            {
                failed = Some((reason.clone(), series.measured().await));
            }
            let status = self.gateway.status().await?;
            if let Some((family, now)) = status.families.iter().find(|(_, family)| family.share < share) {
                let unknown = || format!("{family} is at {} again; the gateway's log says who and why", now.share);
                let after = series.measured().await;
                let (reason, families) = failed.unwrap_or_else(|| (unknown(), after));
                self.decided(cx, "return", Some(&reason), families).await?;
                self.gateway.take_along(&status, &format!("{family} went back")).await;
                return Err(Error::Returned { share: share.to_string(), reason });
            }
            cx.breathe().await?;
            let held = began.elapsed().as_secs();
            if held < hold {
                cx.progress(&format!("holding {share}, seconds"), held, hold);
                continue;
            }
            let reason = match (verdict, proceed) {
                (Verdict::Pass, _) => return self.decided(cx, "confirm", None, series.measured().await).await,
                (Verdict::Hold(reason), Proceed::UnlessFailing) => {
                    return self.decided(cx, "confirm", Some(&reason), series.measured().await).await;
                }
                (Verdict::Fail(reason), _) => {
                    cx.wait(&format!("a gate fails: {reason}"));
                    reason
                }
                (Verdict::Hold(reason), Proceed::WhenPassing) => {
                    cx.wait(&format!("{share} is in force, the gates hold: {reason}"));
                    reason
                }
            };
            if began.elapsed() > Duration::from_secs(hold) + lasting {
                lasting *= 2;
                self.decided(cx, "hold", Some(&reason), series.measured().await).await?;
            }
        }
    }

    /// Writes down what was decided, and what everybody knew at that moment.
    async fn decided(&self, cx: &mut Cx, what: &str, reason: Option<&str>, families: Value) -> Result<()> {
        let share = self.step.share;
        let value = json!({ "what": what, "share": share, "reason": reason, "families": families });
        cx.note(DECISION, value).await
    }
}

/// The name of a decision in the journal.
pub(crate) const DECISION: &str = "decision";

/// Renews the lease until dropped.
struct Renewing(JoinHandle<()>);

impl Renewing {
    fn start(gateway: Gateway) -> Self {
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEW).await;
                // A refusal shows in the status: the share is lower then.
                let _ = gateway.renew().await;
            }
        }))
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Step for Shift {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn calls<'a>(&'a self, _: &'a Preview) -> Doing<'a, Vec<Call>> {
        let share = self.step.share;
        Box::pin(async move {
            Ok(vec![Call::Gateway(format!("set {share} of all families")), Call::Gateway(format!("confirm {share}"))])
        })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let status = self.gateway.status().await?;
            if status.families.is_empty() {
                return Err(Error::refused(
                    "the gateway has no routes",
                    "name old and new services in its routes file; it reads it again by itself",
                ));
            }
            if let Some((name, _)) = status.families.iter().find(|(_, family)| family.frozen) {
                return Err(Error::refused(
                    format!("{name} is frozen: somebody, or a gate, sent its traffic back"),
                    "find out why in `pyairtable-platform gateway status` and its log, then run \
                     `pyairtable-platform gateway thaw` and this command again",
                ));
            }
            self.gateway.served(cx).await
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let share = self.step.share;
            let why = format!("step {} of run {}", self.name, cx.plan.run);
            cx.call(Call::Gateway(format!("set {share} of all families"))).await?;
            self.gateway.set(share, &why).await?;
            let renewing = Renewing::start(self.gateway.clone());
            let mut series = Recorder::of(&cx.folder, self.gateway.clone(), RECORD);
            self.watch(cx, &mut series).await?;
            cx.call(Call::Gateway(format!("confirm {share}"))).await?;
            self.gateway.confirm(&why).await?;
            if share == Share::ALL && cx.plan.shadow.is_some() {
                cx.call(Call::Gateway("shadow stop".to_owned())).await?;
                self.gateway.shadow_stops("nobody is left to compare with").await?;
            }
            drop(renewing);
            series.now().await;
            Ok(())
        })
    }

    fn postcondition<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let status = self.gateway.status().await?;
            let is_safe =
                !status.families.is_empty() && status.families.values().all(|one| one.safe >= self.step.share);
            Ok(is_safe.then(|| json!({ "share": self.step.share, "families": status.families.len() })))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let why = format!("rollback of run {}", cx.plan.run);
            cx.call(Call::Gateway("return all families to the old services".to_owned())).await?;
            self.gateway.go_back(&why).await?;
            // Whoever begins again may raise shares again.
            self.gateway.thaw(&why).await?;
            Recorder::of(&cx.folder, self.gateway.clone(), RECORD).now().await;
            Ok(())
        })
    }
}
