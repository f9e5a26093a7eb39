//! The step before anything of the old services is removed: nobody of them is there, and nobody was for a day.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Patience, Sightings, sessions};
use crate::Error;
use crate::run::{Call, Cx, Doing, Preview, Step};

const NAP: Duration = Duration::from_secs(1);

/// Holds until no session of others was seen for a day, by somebody who looked all day.
pub struct Quiet {
    patience: Patience,
    vouched: Vec<String>,
}

/// What stands in the way.
struct Wait {
    why: String,
    until: Timestamp,
}

impl Quiet {
    /// With this patience. Programs that call themselves one of `vouched` are not old services.
    pub fn new(patience: Patience, vouched: Vec<String>) -> Self {
        Self { patience, vouched }
    }

    fn waits(&self, cx: &Cx, found: &Sightings) -> Option<Wait> {
        let seconds = i64::try_from(cx.plan.quiet_seconds()).unwrap_or(i64::MAX);
        let from = found.quiet_since(&self.vouched);
        let until = from.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
        let hours = SignedDuration::from_secs(seconds);
        if let Some(seen) = found.connected(&self.vouched) {
            let why = format!("{} is connected: old services have to be gone for {hours:#}", seen.words());
            return Some(Wait { why, until });
        }
        if cx.clock.now() >= until {
            return None;
        }
        let why = match found.last(&self.vouched).filter(|seen| seen.last >= found.watched_from) {
            Some(seen) => format!("{} was there at {:.0}: it has to be {hours:#} ago", seen.words(), seen.last),
            None => format!("nobody has looked for sessions of old services before {from:.0}: it takes {hours:#}"),
        };
        Some(Wait { why, until })
    }

    fn next(until: Timestamp) -> String {
        format!(
            "stop the old services, keep `pyairtable-platform cutover soak --once` on a timer of an hour, or leave `cutover \
             soak` running; clean-up is possible at {until:.0} at the earliest. A program that is no old service is left \
             out with --ignore NAME"
        )
    }
}

fn over(cx: &Cx) -> Option<&Value> {
    cx.outcome("soak").filter(|_| cx.folder.soak().exists())
}

impl Step for Quiet {
    fn name(&self) -> &'static str {
        "quiet"
    }

    fn about(&self) -> &'static str {
        "make sure that no old service was connected for a day"
    }

    fn calls<'a>(&'a self, preview: &'a Preview) -> Doing<'a, Vec<Call>> {
        Box::pin(async move { Ok(vec![Call::Write(preview.folder.sessions().display().to_string())]) })
    }

    fn precondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            if over(cx).is_none() {
                return Err(Error::refused(
                    unfinished(cx),
                    "run `pyairtable-platform cutover run`, which goes on with it",
                ));
            }
            let found = sessions::look(cx).await?;
            match self.waits(cx, &found) {
                Some(wait) if self.patience == Patience::Refuse => {
                    Err(Error::refused(wait.why, Self::next(wait.until)))
                }
                _ => Ok(()),
            }
        })
    }

    fn action<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async move {
            loop {
                cx.breathe().await?;
                let found = sessions::look_if_due(cx).await?;
                let Some(wait) = self.waits(cx, &found) else { return Ok(()) };
                if self.patience == Patience::Once {
                    return Err(Error::Unfinished { why: wait.why, next: Self::next(wait.until) });
                }
                cx.wait(&format!("{}; clean-up is possible at {:.0} at the earliest", wait.why, wait.until));
                tokio::time::sleep(NAP).await;
            }
        })
    }

    /// Asked anew each time: an old service may be started again at any moment.
    fn postcondition<'a>(&'a self, cx: &'a mut Cx) -> Doing<'a, Option<Value>> {
        Box::pin(async move {
            if over(cx).is_none() {
                return Ok(None);
            }
            let found = sessions::look(cx).await?;
            Ok(self.waits(cx, &found).is_none().then(|| json!({ "quiet_since": found.quiet_since(&self.vouched) })))
        })
    }

    fn undo<'a>(&'a self, _: &'a mut Cx) -> Doing<'a, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// How far the soak is, for whoever wanted to clean up.
fn unfinished(cx: &Cx) -> String {
    let of = SignedDuration::from_secs(i64::try_from(cx.plan.soak_seconds()).unwrap_or(i64::MAX));
    let noted: Option<Timestamp> =
        cx.noted_by("soak", "began").and_then(|value| serde_json::from_value(value.clone()).ok());
    match noted {
        None => "the soak has not begun: not everybody is on the new side".to_owned(),
        Some(began) => {
            let end = began.saturating_add(of).unwrap_or(Timestamp::MAX);
            if cx.clock.now() < end {
                format!("the soak is over at {end:.0} at the earliest: it began at {began:.0} and takes {of:#}")
            } else {
                format!("the soak has lasted since {began:.0}, and its last look is missing")
            }
        }
    }
}
