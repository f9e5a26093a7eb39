//! The process that holds the leases: it takes the words of the control socket and sees to it that HAProxy does them.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use jiff::Timestamp;
use kernel::Clock;
use tokio::net::UnixListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use super::guard::Orders;
use super::measured::{Measure, Measured, sessions};
use super::runtime::{Address, Trouble, ask};
use super::servers::Route;
use super::threshold::{Lease, Threshold};
use super::weights::Weights;
use crate::control::history::{Entry, History};
use crate::control::kept::Keeper;
use crate::control::socket::{Refused, serve_for};
use crate::control::state::{Change, Command, Control, Scope, Shown};
use crate::gates;
use crate::reload::{follow, refused};
use crate::routes::Problem;

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
    /// Where HAProxy tells of requests, for gates; for the threshold only.
    pub measure: Option<Measure>,
}

/// Drives one HAProxy.
pub struct Driver {
    pub(super) parts: Parts,
    pub(super) state: Mutex<State>,
    pub(super) measured: Option<Arc<Measured>>,
}

pub(super) struct State {
    pub(super) control: Control,
    pub(super) history: History,
    pub(super) keeper: Keeper,
    /// What HAProxy was told last, by family; for the threshold only.
    pub(super) leases: BTreeMap<String, Lease>,
    /// What is wrong with HAProxy now.
    pub(super) trouble: Option<String>,
    /// Why HAProxy will not know the shares after it starts anew.
    pub(super) unkept: Option<String>,
    /// How often HAProxy had forgotten what it was told.
    pub(super) restored: u64,
}

impl Driver {
    /// A driver of a HAProxy that has what is needed. Puts the confirmed shares in force.
    ///
    /// # Errors
    ///
    /// HAProxy does not answer or lacks something, or confirmed shares cannot be read. The text says what to do.
    pub async fn start(mut parts: Parts) -> Result<Arc<Self>, Box<dyn std::error::Error + Send + Sync>> {
        let keeper = Keeper::open(parts.kept.clone())?;
        let families: BTreeSet<&str> = match &parts.mode {
            Mode::Threshold(threshold) => threshold.routes.iter().map(|route| route.family.as_str()).collect(),
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
        let measured = match (parts.measure.take(), &parts.mode) {
            (Some(measure), Mode::Threshold(threshold)) => {
                Some(Arc::new(Measured::new(measure, threshold, Arc::clone(&parts.clock))))
            }
            _ => None,
        };
        let state = State {
            control,
            history: History::default(),
            keeper,
            leases: BTreeMap::new(),
            trouble: None,
            unkept: None,
            restored: 0,
        };
        let driver = Arc::new(Self { parts, state: Mutex::new(state), measured });
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

    /// Takes what HAProxy tells of requests and lets the gates look at it, second by second, until dropped.
    pub async fn measure(self: Arc<Self>) {
        let Some(measured) = self.measured.clone() else { return };
        // Ends with this.
        let mut listening = JoinSet::new();
        listening.spawn(Arc::clone(&measured).listen());
        let mut interval = tokio::time::interval(Duration::from_secs(1));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let found = async { Ok((self.routes().await?, sessions(&self.parts.address).await?)) }.await;
            let mut state = self.state.lock().await;
            let (at, now) = self.now();
            let shown = state.control.show(now);
            let actions = measured.look(found, &shown, at, now);
            for (family, action) in actions {
                let Some((command, why)) = gates::order(&family, action) else { continue };
                let scope = Scope::Family(family);
                let mut next = state.control.clone();
                match next.apply(&scope, &command, now) {
                    Ok(changes) => {
                        let order = Order { scope, command, who: gates::WHO, why: &why };
                        if let Err((_, trouble)) = self.change(&mut state, next, &changes, &order).await {
                            tracing::error!(trouble, "going back is not in force yet");
                        }
                    }
                    Err(refusal) => tracing::error!(%refusal, "going back was refused"),
                }
            }
        }
    }

    /// Puts the gates of a file in force.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it; the gates in force stay.
    pub fn set_gates(&self, text: &str) -> Result<(), Vec<Problem>> {
        self.measured.as_ref().map_or(Ok(()), |measured| measured.set_gates(text))
    }

    /// Follows the file of gates until dropped. `read` is the text that is in force.
    pub async fn follow_gates(self: Arc<Self>, file: PathBuf, read: String) {
        follow(file, read, |text| refused("gates", &self.set_gates(text))).await;
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
    pub(super) fn now(&self) -> (Timestamp, Instant) {
        let at = self.parts.clock.now();
        (at, Instant::now())
    }

    pub(super) fn early(&self) -> Duration {
        match self.parts.mode {
            Mode::Threshold(_) => EARLY,
            Mode::Weights(_) => Duration::ZERO,
        }
    }

    /// Puts what a command made of the shares in force, and remembers who wanted it.
    pub(super) async fn change(
        &self,
        state: &mut State,
        next: Control,
        changes: &[Change],
        order: &Order<'_>,
    ) -> Result<(), Refused> {
        let Order { scope, command, who, why } = order;
        let goes_back = matches!(command, Command::Return | Command::Retreat)
            || changes.iter().all(|change| change.to < change.from);
        let (at, now) = self.now();
        let shown = next.show(now);
        let done = self.put(state, &shown, at).await;
        if let Err(trouble) = &done
            && (!goes_back || (changes.is_empty() && !matches!(command, Command::Return | Command::Retreat)))
        {
            // Nothing happened, then; what did all the same is taken back at once.
            let (at, now) = self.now();
            let before = state.control.show(now);
            let _ = self.put(state, &before, at).await;
            return Err(failed(trouble));
        }
        state.control = next;
        let kept = state.control.kept();
        state.keeper.keep(kept);
        if matches!(command, Command::Set(_) | Command::Renew) {
            let held = shown.iter().filter(|(name, shown)| scope.has(name) && shown.lease_seconds.is_some());
            state.history.holds(who, held.map(|(name, _)| name.as_str()));
        }
        if *command != Command::Renew {
            tracing::info!(who, why, command = ?command, scope = ?scope, "control");
            state.history.add(Entry {
                at,
                who: (*who).to_owned(),
                why: (*why).to_owned(),
                what: command.to_string(),
                family: Some(scope.name().to_owned()),
                changes: changes.to_vec(),
            });
        }
        for Change { family, from, to } in changes {
            tracing::info!(who, why, family, from = %from, to = %to, "share changed");
        }
        done.map_err(|trouble| (StatusCode::BAD_GATEWAY, format!("{trouble}; going back is tried until it is done")))
    }

    async fn tick(&self) {
        let mut state = self.state.lock().await;
        let (at, now) = self.now();
        let ended = state.control.expire(now + self.early());
        for Change { family, from, to } in &ended {
            tracing::warn!(family, from = %from, to = %to, "nobody renewed the lease, back to the safe share");
        }
        if !ended.is_empty() {
            state.history.add(Entry::end_of_lease(at, ended));
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

    pub(super) async fn routes(&self) -> Result<Vec<Route>, Trouble> {
        match &self.parts.mode {
            Mode::Threshold(threshold) => threshold.routes(&self.parts.address).await,
            Mode::Weights(weights) => weights.routes(&self.parts.address).await,
        }
    }
}

/// A command, for whom, and whose it is.
pub(super) struct Order<'a> {
    pub(super) scope: Scope,
    pub(super) command: Command,
    pub(super) who: &'a str,
    pub(super) why: &'a str,
}

pub(super) fn failed(trouble: &Trouble) -> Refused {
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
