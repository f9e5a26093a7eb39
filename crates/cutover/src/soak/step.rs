//! The step: look on until the time is over.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::check::{beginning, differs, everything};
use super::{Patience, sessions};
use crate::run::{Call, Cx, Doing, Preview, Step};
use crate::shift::Gateway;
use crate::{Error, Result, files};

/// How often everything is looked at.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// How long it sleeps between two looks at the clock.
const NAP: Duration = Duration::from_secs(1);

/// Looks on while everybody is on the new side.
pub struct Soak {
    patience: Patience,
    gateway: Gateway,
    after: Option<String>,
    accept: Option<String>,
}

impl Soak {
    /// Behind this gateway, after the step of this name.
    pub fn new(gateway: Gateway, after: Option<String>, patience: Patience) -> Self {
        Self { patience, gateway, after, accept: None }
    }

    /// Takes what is found now for what is right, for this reason.
    #[must_use]
    pub fn accepting(mut self, why: Option<String>) -> Self {
        self.accept = why;
        self
    }

    /// When it began: when everybody was declared safe on the new side.
    async fn began(&self, cx: &mut Cx) -> Result<Timestamp> {
        let moved = self.after.as_deref().and_then(|step| cx.finished_at(step));
        if let Some(began) = noted::<Timestamp>(cx, "began") {
            if moved.is_none_or(|moved| moved <= began) {
                return Ok(began);
            }
            // They went back meanwhile and came again.
            forget(cx).await?;
        }
        let began = moved.unwrap_or_else(|| cx.clock.now());
        cx.note("began", json!(began)).await?;
        Ok(began)
    }

    async fn check(&self, cx: &mut Cx) -> Result<()> {
        let before = match &self.accept {
            Some(_) => None,
            None => beginning(cx)?,
        };
        cx.wait("looking at schema, rows, backup, gateway and old services");
        let looked = everything(cx, &self.gateway, before.as_ref()).await;
        if matches!(looked, Err(Error::Returned { .. })) {
            // What was safe is not any more, and what comes next is another soak.
            forget(cx).await?;
        }
        let (now, differences) = looked?;
        if before.is_none() && differences.is_empty() {
            let path = cx.folder.soak();
            cx.call(Call::Write(path.display().to_string())).await?;
            files::replace_json(&path, &now)?;
            if let Some(why) = &self.accept {
                cx.note("accepted", json!({ "at": now.at, "why": why })).await?;
            }
        }
        let last: Option<Check> = noted(cx, "check");
        let check = Check {
            number: last.as_ref().map_or(0, |last| last.number + 1),
            at: now.at,
            same: differences.is_empty(),
            rows: now.rows.values().sum(),
            broken: now.broken.values().sum(),
            differences: differences.iter().map(|one| json!(one)).collect(),
        };
        cx.note("check", json!(check)).await?;
        if differences.is_empty() { Ok(()) } else { Err(differs(&differences)) }
    }
}

/// What one look found, as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Check {
    number: u64,
    at: Timestamp,
    same: bool,
    rows: u64,
    broken: u64,
    differences: Vec<Value>,
}

fn noted<T: serde::de::DeserializeOwned>(cx: &Cx, key: &str) -> Option<T> {
    cx.noted(key).and_then(|value| serde_json::from_value(value.clone()).ok())
}

async fn forget(cx: &mut Cx) -> Result<()> {
    for key in ["began", "check", "over"] {
        cx.note(key, Value::Null).await?;
    }
    let path = cx.folder.soak();
    cx.call(Call::Remove(path.display().to_string())).await?;
    files::remove(&path)
}

impl Step for Soak {
    fn name(&self) -> &'static str {
        "soak"
    }

    fn about(&self) -> &'static str {
        "look on every hour while everybody is on the new side and the old services stay warm"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        let path = |path: std::path::PathBuf| Call::Write(path.display().to_string());
        Box::pin(async move { Ok(vec![path(preview.folder.sessions()), path(preview.folder.soak())]) })
    }

    fn precondition<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let status = self.gateway.status().await?;
            match status.short_of_everybody() {
                None if !status.families.is_empty() => Ok(()),
                _ => Err(Error::refused(
                    "not everybody is safe on the new side yet",
                    "run `pyairtable-platform cutover run`, which moves them and then goes on with this",
                )),
            }
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            let began = self.began(cx).await?;
            let seconds = i64::try_from(cx.plan.soak_seconds()).unwrap_or(i64::MAX);
            let end = began.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
            if self.accept.is_some() {
                self.check(cx).await?;
            }
            let plain = Self::new(self.gateway.clone(), self.after.clone(), self.patience);
            loop {
                cx.breathe().await?;
                let sightings = sessions::look_if_due(cx).await?;
                let last: Option<Check> = noted(cx, "check");
                let due = match &last {
                    Some(last) if last.same && beginning(cx)?.is_some() => (last.at + HOUR).min(end.max(last.at)),
                    _ => Timestamp::MIN,
                };
                let now = cx.clock.now();
                let closing = last.as_ref().is_some_and(|last| last.same && last.at >= end);
                if closing {
                    return cx.note("over", json!(now)).await;
                }
                if now >= due {
                    plain.check(cx).await?;
                    continue;
                }
                let others = sightings.last(&[]).map(|seen| format!("; last seen of others: {}", seen.words()));
                let why = format!(
                    "everybody is on the new side since {began:.0}, the soak is over at {end:.0}; next look at {due:.0}{}",
                    others.unwrap_or_default()
                );
                if self.patience != Patience::Wait {
                    return Err(Error::Unfinished {
                        why,
                        next: "run `pyairtable-platform cutover soak --once` again then, or `cutover run` to wait"
                            .to_owned(),
                    });
                }
                cx.wait(&why);
                tokio::time::sleep(NAP).await;
            }
        })
    }

    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            let (began, over): (Option<Timestamp>, Option<Timestamp>) = (noted(cx, "began"), noted(cx, "over"));
            let checks = noted::<Check>(cx, "check").map_or(0, |last| last.number);
            Ok(began.zip(over).map(|(began, over)| json!({ "began": began, "over": over, "checks": checks })))
        })
    }

    fn undo<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move { forget(cx).await })
    }
}
