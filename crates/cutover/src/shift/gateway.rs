//! What is said to the gateway, and what it answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use gateway::control::client::{self, Answer};
use gateway::shadow;
use gateway::split::Share;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::run::Cx;
use crate::{Error, Result};

/// Longer than the gateway takes to find a service well that answers.
const CHECKED: Duration = Duration::from_secs(12);
/// How often it is asked meanwhile.
const LOOK: Duration = Duration::from_millis(250);
/// Who the gateway's log says it was.
const WHO: &str = "cutover";

/// A gateway, or what drives one, behind its control socket.
#[derive(Debug, Clone)]
pub struct Gateway {
    socket: PathBuf,
}

/// What matters here of its status.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// Each family of paths that can be moved.
    pub families: BTreeMap<String, Family>,
    /// Which services each path goes to.
    pub routes: Vec<Route>,
    /// How each service's instances are: `well`, or not.
    pub instances: BTreeMap<String, String>,
}

impl Status {
    /// Paths of the old side without an instance that is well: nobody could go back there.
    pub fn without_way_back(&self) -> Vec<&str> {
        let is_well = |instance: &String| self.instances.get(instance).is_some_and(|condition| condition == "well");
        let cold = self.routes.iter().filter(|route| !route.legacy.is_empty() && !route.legacy.iter().any(is_well));
        cold.map(|route| route.path.as_str()).collect()
    }

    /// A family that is not wholly and safely on the new side, with its share.
    pub fn short_of_everybody(&self) -> Option<(&str, Share)> {
        let short = |family: &Family| family.share < Share::ALL || family.safe < Share::ALL;
        let found = self.families.iter().find(|(_, family)| short(family));
        found.map(|(name, family)| (name.as_str(), family.share.min(family.safe)))
    }

    /// Paths of the new side without an instance that is well.
    pub(super) fn unserved(&self) -> Vec<&str> {
        let is_well = |instance: &String| self.instances.get(instance).is_some_and(|condition| condition == "well");
        let unserved = self.routes.iter().filter(|route| !route.platform.iter().any(is_well));
        unserved.map(|route| route.path.as_str()).collect()
    }
}

/// Where a path goes.
#[derive(Debug, Clone, Deserialize)]
pub struct Route {
    /// As in the routes file.
    pub path: String,
    /// Instances of the old service.
    #[serde(default)]
    pub legacy: Vec<String>,
    /// Instances of the new service.
    pub platform: Vec<String>,
}

/// One family of paths.
#[derive(Debug, Clone, Deserialize)]
pub struct Family {
    /// In force.
    pub share: Share,
    /// What comes back when nobody renews.
    pub safe: Share,
    /// Whether it may not go up.
    pub frozen: bool,
    /// Whether it has services on both sides; the others stay where they are.
    #[serde(default = "yes")]
    pub movable: bool,
}

fn yes() -> bool {
    true
}

/// What the gates say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Enough was seen in every family that anybody asks for, and nothing speaks against more.
    Pass,
    /// Not yet.
    Hold(String),
    /// The new side is worse.
    Fail(String),
}

#[derive(Deserialize)]
struct Report {
    families: BTreeMap<String, FamilyReport>,
}

#[derive(Deserialize)]
struct FamilyReport {
    verdict: String,
    reason: Option<String>,
    share: Share,
}

impl Gateway {
    /// The one behind `socket`.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Shares, leases and the like.
    pub async fn status(&self) -> Result<Status> {
        let body = self.ask("/status", None).await?;
        let mut status: Status = serde_json::from_value(body).map_err(|error| self.unreadable(&error))?;
        status.families.retain(|_, family| family.movable);
        Ok(status)
    }

    /// Waits a moment for the new side: the gateway looks at a service that has just started only now and then.
    pub(crate) async fn served(&self, cx: &mut Cx) -> Result<()> {
        let began = Instant::now();
        loop {
            let status = self.status().await?;
            let unserved = status.unserved().join(", ");
            if unserved.is_empty() {
                return Ok(());
            }
            if began.elapsed() > CHECKED {
                return Err(Error::refused(
                    format!("no new service answers for {unserved}"),
                    "start it with LEGACY_COEXISTENCE=true, name it under `platform:` in the routes file, and run this \
                     command again",
                ));
            }
            cx.wait("the gateway has not found the new service well yet");
            cx.breathe().await?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What the gates say of the share that is in force now.
    pub(super) async fn verdict(&self, share: Share) -> Result<Verdict> {
        let answer = self.say("/gates", None).await?;
        if !answer.done {
            return Ok(Verdict::Hold(reason_of(&answer)));
        }
        let report: Report = serde_json::from_value(answer.body).map_err(|error| self.unreadable(&error))?;
        let mut holds = Vec::new();
        for (name, family) in report.families {
            let reason = format!("{name}: {}", family.reason.unwrap_or_default());
            match family.verdict.as_str() {
                "fail" => return Ok(Verdict::Fail(reason)),
                "pass" | "idle" if family.share == share => {}
                "pass" | "idle" => holds.push(format!("{name}: the gates have not looked at {share} yet")),
                _ => holds.push(reason),
            }
        }
        Ok(holds.into_iter().next().map_or(Verdict::Pass, Verdict::Hold))
    }

    /// Everything it shows people, with the last `seconds` second by second; nothing if it does not answer or has no such
    /// answer.
    pub(super) async fn view(&self, seconds: u64) -> Option<Value> {
        let answer = client::ask(&self.socket, &format!("/view?seconds={seconds}"), None).await.ok()?;
        answer.done.then_some(answer.body)
    }

    /// Puts a share in force everywhere.
    pub(super) async fn set(&self, share: Share, why: &str) -> Result<()> {
        self.order("/set", json!({ "share": share }), why).await
    }

    /// Says that somebody still watches. Refused when the lease is over.
    pub(super) async fn renew(&self) -> Result<()> {
        self.order("/renew", json!({}), "still watching").await
    }

    /// Declares what is in force safe.
    pub(super) async fn confirm(&self, why: &str) -> Result<()> {
        self.order("/confirm", json!({}), why).await
    }

    /// Takes the other families to their safe shares when one went back: nobody watches from then on, and they would stay until
    /// the lease ends. What is refused, the lease does.
    pub(super) async fn take_along(&self, status: &Status, why: &str) {
        for (name, family) in &status.families {
            if family.share > family.safe && !family.frozen {
                let _ = self.order_for(name, "/set", json!({ "share": family.safe }), why).await;
            }
        }
    }

    /// Everybody back to the old side, which must answer.
    pub(super) async fn go_back(&self, why: &str) -> Result<()> {
        self.order("/return", json!({}), why).await
    }

    /// Shares may change again.
    pub(super) async fn thaw(&self, why: &str) -> Result<()> {
        self.order("/thaw", json!({}), why).await
    }

    /// What the shadow does and found.
    pub(crate) async fn shadow(&self) -> Result<shadow::Report> {
        let body = self.ask("/shadow", None).await?;
        serde_json::from_value(body).map_err(|error| self.unreadable(&error))
    }

    /// Lets the shadow ask the same side twice.
    pub(crate) async fn shadow_learns(&self, why: &str) -> Result<()> {
        self.mirror("/shadow/learn", json!({ "rate": Share::ALL }), why).await
    }

    /// Lets it ask the other side too.
    pub(crate) async fn shadow_compares(&self, why: &str) -> Result<()> {
        self.mirror("/shadow/start", json!({ "rate": Share::ALL }), why).await
    }

    /// Ends it.
    pub(crate) async fn shadow_stops(&self, why: &str) -> Result<()> {
        self.mirror("/shadow/stop", json!({}), why).await
    }

    async fn mirror(&self, path: &str, mut body: Value, why: &str) -> Result<()> {
        (body["who"], body["why"]) = (json!(WHO), json!(why));
        self.ask(path, Some(&body)).await.map(drop)
    }

    async fn order(&self, path: &str, body: Value, why: &str) -> Result<()> {
        self.order_for("all", path, body, why).await
    }

    async fn order_for(&self, family: &str, path: &str, mut body: Value, why: &str) -> Result<()> {
        for (key, value) in [("family", family), ("who", WHO), ("why", why)] {
            body[key] = json!(value);
        }
        self.ask(path, Some(&body)).await.map(drop)
    }

    async fn ask(&self, path: &str, body: Option<&Value>) -> Result<Value> {
        let answer = self.say(path, body).await?;
        if answer.done {
            return Ok(answer.body);
        }
        Err(Error::refused(format!("the gateway refused {path}"), reason_of(&answer)))
    }

    async fn say(&self, path: &str, body: Option<&Value>) -> Result<Answer> {
        client::ask(&self.socket, path, body).await.map_err(|error| {
            Error::refused(
                format!("no gateway answers at {}: {error}", self.socket.display()),
                "start it with `pyairtable-platform gateway serve`, then run the same command again",
            )
        })
    }

    fn unreadable(&self, error: &serde_json::Error) -> Error {
        Error::refused(
            format!("the gateway at {} answers what this program does not understand ({error})", self.socket.display()),
            "run gateway and cutover from the same release",
        )
    }
}

fn reason_of(answer: &Answer) -> String {
    answer.body["error"].as_str().unwrap_or("it says no").to_owned()
}
