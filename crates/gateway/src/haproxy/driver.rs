//! The process that holds the leases: it takes the words of the control socket and sees to it that HAProxy does them.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use kernel::Clock;
use serde_json::{Value, json};
use tokio::net::UnixListener;
use tokio::sync::Mutex;

use super::guard::Orders;
use super::runtime::{Address, Trouble, ask};
use super::threshold::{Lease, Threshold};
use super::weights::Weights;
use crate::control::kept::Keeper;
use crate::control::socket::{Controlled, Refused, changed, order, said, serve_for};
use crate::control::state::{Change, Command, Control, Shown};
use crate::control::there::movable;
use crate::forced::Side;

/// How often HAProxy is asked whether it still does what it was told.
const INTERVAL: Duration = Duration::from_millis(100);

/// HAProxy ends a lease up to this much earlier than its length, because it counts whole seconds. The driver must not
/// outlast it: people would be moved twice.
const EARLY: Duration = Duration::from_secs(1);

/// How shares get into HAProxy.
#[derive(Debug)]
pub enum Mode {
    /// By a map, for the configuration of `gateway print haproxy`.
    Threshold(Threshold),
    /// By the weights of servers.
    Weights(Weights),
}

/// What a driver is made of.
pub struct Parts {
    /// Where HAProxy takes commands.
    pub address: Address,
    /// How it is driven.
    pub mode: Mode,
    /// Where confirmed shares are kept.
    pub kept: PathBuf,
    /// The time, which HAProxy has to share to within a second or two.
    pub clock: Arc<dyn Clock>,
    /// Hears what is to be in force, and has it passed on when it returns, so that somebody sees to it if this process
    /// dies a moment later.
    pub guard: Option<Box<dyn Fn(Orders) + Send + Sync>>,
}

/// Drives one HAProxy.
pub struct Driver {
    parts: Parts,
    state: Mutex<State>,
}

struct State {
    control: Control,
    keeper: Keeper,
    /// What HAProxy was told last, by family; for the threshold only.
    leases: BTreeMap<String, Lease>,
    /// What is wrong with HAProxy now.
    trouble: Option<String>,
    /// Why HAProxy will not know the shares after it starts anew.
    unkept: Option<String>,
    /// How often HAProxy had forgotten what it was told.
    restored: u64,
}

impl Driver {
    /// A driver of a HAProxy that has what is needed. Puts the confirmed shares in force.
    ///
    /// # Errors
    ///
    /// HAProxy does not answer or lacks something, or confirmed shares cannot be read. The text says what to do.
    pub async fn start(parts: Parts) -> Result<Arc<Self>, Box<dyn std::error::Error + Send + Sync>> {
        let keeper = Keeper::open(parts.kept.clone())?;
        let families: Vec<&str> = match &parts.mode {
            Mode::Threshold(threshold) => threshold.backends.keys().map(String::as_str).collect(),
            Mode::Weights(weights) => weights.backends.keys().map(String::as_str).collect(),
        };
        if let Some(family) = families.iter().find(|family| !is_plain(family)) {
            return Err(
                format!("the family {family:?} cannot be named to HAProxy: use letters, digits, - and _").into()
            );
        }
        let control = Control::new(families, keeper.families());
        match &parts.mode {
            Mode::Threshold(threshold) => {
                threshold.check(&parts.address).await?;
                same_time(&parts.address, &*parts.clock).await?;
            }
            Mode::Weights(weights) => weights.check(&parts.address).await?,
        }
        let state = State { control, keeper, leases: BTreeMap::new(), trouble: None, unkept: None, restored: 0 };
        let driver = Arc::new(Self { parts, state: Mutex::new(state) });
        let mut state = driver.state.lock().await;
        let (at, now) = driver.now();
        let shown = state.control.show(now);
        driver.put(&mut state, &shown, at).await?;
        drop(state);
        Ok(driver)
    }

    /// Answers on the control socket until dropped.
    pub async fn serve(self: Arc<Self>, listener: UnixListener) {
        serve_for(listener, self).await;
    }

    /// Ends leases and repairs what HAProxy forgot, until dropped.
    pub async fn watch(self: Arc<Self>) {
        let mut interval = tokio::time::interval(INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.tick().await;
        }
    }

    /// Leaves the confirmed shares in force.
    pub async fn stop(&self) -> Result<(), Trouble> {
        let mut state = self.state.lock().await;
        state.control = Control::new(state.control.kept().keys().map(String::as_str), &state.control.kept());
        let (at, now) = self.now();
        let shown = state.control.show(now);
        self.put(&mut state, &shown, at).await
    }

    /// The time of day and the time leases are counted in. In this order: whoever is stopped in between and goes on later
    /// must not give HAProxy a lease that begins anew.
    fn now(&self) -> (Timestamp, Instant) {
        let at = self.parts.clock.now();
        (at, Instant::now())
    }

    fn early(&self) -> Duration {
        match self.parts.mode {
            Mode::Threshold(_) => EARLY,
            Mode::Weights(_) => Duration::ZERO,
        }
    }

    async fn tick(&self) {
        let mut state = self.state.lock().await;
        let (at, now) = self.now();
        for Change { family, from, to } in state.control.expire(now + self.early()) {
            tracing::warn!(family, from = %from, to = %to, "nobody renewed the lease, back to the safe share");
        }
        let shown = state.control.show(now);
        let repaired = self.repair(&mut state, &shown, at).await;
        match repaired {
            Ok(()) => {
                if state.trouble.take().is_some() {
                    tracing::info!("HAProxy does what it is told again");
                }
            }
            Err(trouble) => {
                let trouble = trouble.to_string();
                if state.trouble.as_ref() != Some(&trouble) {
                    tracing::error!(trouble, "HAProxy does not do what it is told, trying on");
                }
                state.trouble = Some(trouble);
            }
        }
    }

    /// Puts in force what is not. HAProxy forgets at a reload; and a lease may just have ended.
    async fn repair(&self, state: &mut State, shown: &BTreeMap<String, Shown>, at: Timestamp) -> Result<(), Trouble> {
        let forgot = match &self.parts.mode {
            Mode::Threshold(threshold) => {
                let ended = shown.iter().any(|(name, shown)| {
                    // With a lease the text stays the one of when it was renewed.
                    shown.lease_seconds.is_none() && state.leases.get(name) != Some(&Lease::new(shown, at))
                });
                let has = threshold.read(&self.parts.address).await?;
                let forgot = state.leases.iter().any(|(name, lease)| has.get(name) != Some(lease));
                if !ended && !forgot {
                    return Ok(());
                }
                forgot
            }
            Mode::Weights(weights) => {
                let mut differs = false;
                for (name, shown) in shown {
                    differs |= !weights.is(&self.parts.address, name, shown.share).await?;
                }
                if !differs {
                    return Ok(());
                }
                differs
            }
        };
        self.put(state, shown, at).await?;
        if forgot {
            state.restored += 1;
            tracing::warn!("HAProxy did not have the shares it was told, as after a reload; it has them again");
        }
        Ok(())
    }

    /// Puts everything in force and sees that it is.
    async fn put(&self, state: &mut State, shown: &BTreeMap<String, Shown>, at: Timestamp) -> Result<(), Trouble> {
        if let Some(guard) = &self.parts.guard {
            guard(Orders::new(shown));
        }
        let address = &self.parts.address;
        let unkept = match &self.parts.mode {
            Mode::Threshold(threshold) => {
                let leases: BTreeMap<_, _> =
                    shown.iter().map(|(name, shown)| (name.clone(), Lease::new(shown, at))).collect();
                let unkept = threshold.put(address, &leases).await?;
                state.leases = leases;
                unkept
            }
            Mode::Weights(weights) => {
                for (name, shown) in shown {
                    if !weights.is(address, name, shown.share).await? {
                        weights.put(address, name, shown.share).await?;
                    }
                }
                weights.keep(address).await?
            }
        };
        let unkept = unkept.map(|error| error.to_string());
        if unkept.is_some() && unkept != state.unkept {
            tracing::warn!(error = unkept, "HAProxy will begin with other shares when it is reloaded, for a moment");
        }
        state.unkept = unkept;
        Ok(())
    }

    async fn well(&self, family: &str, side: Side) -> Result<(usize, usize), Trouble> {
        match &self.parts.mode {
            Mode::Threshold(threshold) => threshold.well(&self.parts.address, family, side).await,
            Mode::Weights(weights) => weights.well(&self.parts.address, family, side).await,
        }
    }

    /// Whether a family has services on both sides, as far as HAProxy's configuration was printed from routes.
    fn has_both(&self, family: &str) -> bool {
        match &self.parts.mode {
            Mode::Threshold(threshold) => {
                threshold.backends.get(family).is_none_or(|sides| sides.iter().all(|side| !side.is_empty()))
            }
            Mode::Weights(_) => true,
        }
    }

    /// Moving people to a side where nobody is would make it worse.
    async fn somebody_there(&self, changes: &[Change], anyway: bool) -> Result<(), Refused> {
        for Change { family, from, to } in changes {
            let (side, name) = if to > from { (Side::Platform, "new") } else { (Side::Legacy, "old") };
            if anyway {
                continue;
            }
            let (well, all) = self.well(family, side).await.map_err(|trouble| failed(&trouble))?;
            if well == 0 {
                let why = format!(
                    "HAProxy has no server of the {name} side of {family} that is up ({all} are down): start one, or send \
                     \"anyway\": true (--anyway)"
                );
                return Err((StatusCode::CONFLICT, why));
            }
        }
        Ok(())
    }

    async fn obey(&self, path: &str, body: &[u8]) -> Result<Value, Refused> {
        let said = said(body)?;
        if path == "/force" {
            let why = "HAProxy has rules in its configuration only: write them under `force:` in the routes file and \
                       print it again";
            return Err((StatusCode::CONFLICT, why.to_owned()));
        }
        let (scope, command) = order(path, &said)?;
        let (who, why) = (&said.who, &said.why);
        let mut state = self.state.lock().await;
        let (at, now) = self.now();
        let mut next = state.control.clone();
        next.expire(now + self.early());
        let (scope, skipped) = movable(&scope, &command, &next.show(now), |name| self.has_both(name))?;
        let changes =
            next.apply(&scope, &command, now).map_err(|refusal| (StatusCode::CONFLICT, refusal.to_string()))?;
        match self.somebody_there(&changes, said.anyway).await {
            // Whoever wants to go back gets it as soon as HAProxy answers.
            Err((StatusCode::BAD_GATEWAY, _)) if command == Command::Return => {}
            asked => asked?,
        }
        let goes_back = command == Command::Return || changes.iter().all(|change| change.to < change.from);
        let shown = next.show(now);
        let done = self.put(&mut state, &shown, at).await;
        match done {
            Err(trouble) if !goes_back || (changes.is_empty() && command != Command::Return) => {
                // Nothing happened, then; what did all the same is taken back at once.
                let (at, now) = self.now();
                let before = state.control.show(now);
                let _ = self.put(&mut state, &before, at).await;
                return Err(failed(&trouble));
            }
            done => {
                state.control = next;
                let kept = state.control.kept();
                state.keeper.keep(kept);
                if command != Command::Renew {
                    tracing::info!(who, why, command = ?command, scope = ?scope, "control");
                }
                for Change { family, from, to } in &changes {
                    tracing::info!(who, why, family, from = %from, to = %to, "share changed");
                }
                done.map_err(|trouble| {
                    (StatusCode::BAD_GATEWAY, format!("{trouble}; going back is tried until it is done"))
                })?;
            }
        }
        Ok(changed(&changes, &skipped))
    }
}

impl Controlled for Driver {
    async fn status(&self) -> Value {
        let state = self.state.lock().await;
        let address = &self.parts.address;
        let mut families = serde_json::Map::new();
        let has = match &self.parts.mode {
            Mode::Threshold(threshold) => threshold.read(address).await.unwrap_or_default(),
            Mode::Weights(_) => BTreeMap::new(),
        };
        for (name, shown) in state.control.show(Instant::now()) {
            let in_force = match &self.parts.mode {
                Mode::Threshold(_) => has.get(&name).map(|lease| lease.share(self.parts.clock.now())),
                Mode::Weights(weights) => weights.in_force(address, &name).await.ok().flatten(),
            };
            let mut family = serde_json::to_value(&shown).unwrap_or_default();
            family["in_force"] = json!(in_force);
            for side in Side::BOTH {
                let (well, all) = self.well(&name, side).await.unwrap_or_default();
                family["servers"][side.name()] = json!({ "up": well, "all": all });
            }
            families.insert(name, family);
        }
        let info = ask(address, "show info").await.unwrap_or_default();
        let info =
            |name: &str| info.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()));
        let mode = match &self.parts.mode {
            Mode::Threshold(_) => "threshold",
            Mode::Weights(_) => "weights",
        };
        json!({
            "families": families,
            "haproxy": {
                "address": address.to_string(), "mode": mode, "version": info("Version"), "pid": info("Pid"),
                "trouble": state.trouble, "not_kept": state.unkept, "restored": state.restored,
            },
        })
    }

    async fn command(self: &Arc<Self>, path: &str, body: &[u8]) -> Result<Value, Refused> {
        self.obey(path, body).await
    }
}

fn failed(trouble: &Trouble) -> Refused {
    let status = match trouble {
        Trouble::Unreachable(..) => StatusCode::BAD_GATEWAY,
        Trouble::Refused(_) => StatusCode::CONFLICT,
    };
    (status, trouble.to_string())
}

/// Whether a name can stand in a command and in a configuration.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// HAProxy ends leases by its own clock.
async fn same_time(address: &Address, clock: &dyn Clock) -> Result<(), Trouble> {
    let activity = ask(address, "show activity").await?;
    let there =
        activity.lines().find_map(|line| line.strip_prefix("date_now: ")?.split('.').next()?.parse::<i64>().ok());
    let here = clock.now().as_second();
    match there {
        Some(there) if (there - here).abs() > 2 => {
            let off = there - here;
            Err(Trouble::Refused(format!("the clock of HAProxy is {off} s ahead of this one: set both right (NTP)")))
        }
        _ => Ok(()),
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Refused(error.to_string())
    }
}
