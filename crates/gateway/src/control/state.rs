//! What control may do to the shares, and what happens when whoever controls is gone. Pure: the time is an argument.
//!
//! Each family has a *safe* share: the last one somebody confirmed. Above it a share is in force only on lease: whoever
//! raised it has to say again and again that they are still watching. When they do not, the safe share comes back. Down
//! there is always a way, without a lease.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use super::kept::Kept;
use crate::split::Share;

/// Nobody may be silent for longer while a share above the safe one is in force.
pub const LEASE: Duration = Duration::from_secs(15);

/// Which families a command is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every one.
    All,
    /// One.
    Family(String),
    /// Those of all that can be moved.
    Those(BTreeSet<String>),
}

impl Scope {
    /// Whether a family is meant.
    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Family(family) => family == name,
            Self::Those(families) => families.contains(name),
        }
    }

    /// As it is written.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::All | Self::Those(_) => "all",
            Self::Family(name) => name,
        }
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(if name == "all" { Self::All } else { Self::Family(name) })
    }
}

/// What control can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Puts a share in force.
    Set(Share),
    /// Everybody back to the old side, at once, and nothing goes up until [`Command::Thaw`].
    Return,
    /// The safe share at once, and nothing goes up until [`Command::Thaw`].
    Retreat,
    /// No share changes until [`Command::Thaw`], apart from going back.
    Freeze,
    /// Shares may change again.
    Thaw,
    /// Whoever controls is still there.
    Renew,
    /// What is in force is safe, and stays without a lease.
    Confirm,
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Set(share) => write!(f, "set {share}"),
            Self::Return => f.write_str("return"),
            Self::Retreat => f.write_str("back to the safe share"),
            Self::Freeze => f.write_str("freeze"),
            Self::Thaw => f.write_str("thaw"),
            Self::Renew => f.write_str("renew"),
            Self::Confirm => f.write_str("confirm"),
        }
    }
}

/// Why a command was refused. The text says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such family.
    Unknown(String, Vec<String>),
    /// The family is frozen.
    Frozen(String),
    /// There is nothing to renew: the lease is over, or there was none.
    NoLease(String),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(name, known) => {
                write!(f, "there is no family {name:?}: use all, or one of {}", known.join(", "))
            }
            Self::Frozen(name) => write!(f, "{name} is frozen: thaw it first, or return"),
            Self::NoLease(name) => write!(f, "{name} has no lease, the safe share is in force: set the share again"),
        }
    }
}

/// A share that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whose.
    pub family: String,
    /// Before.
    pub from: Share,
    /// Now.
    pub to: Share,
}

#[derive(Debug, Clone, Copy, Default)]
struct Family {
    share: Share,
    safe: Share,
    frozen: bool,
    lease_until: Option<Instant>,
}

/// One family, for whoever asks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// In force.
    pub share: Share,
    /// What comes back when the lease ends.
    pub safe: Share,
    /// Whether it may not change.
    pub frozen: bool,
    /// Seconds until the lease ends, if there is one.
    pub lease_seconds: Option<f64>,
}

/// All families.
#[derive(Debug, Clone, Default)]
pub struct Control(BTreeMap<String, Family>);

impl Control {
    /// Everybody where they were confirmed to be, and on the old side where nothing was.
    pub fn new<'a>(families: impl IntoIterator<Item = &'a str>, kept: &BTreeMap<String, Kept>) -> Self {
        let family = |name: &str| {
            let Kept { safe, frozen } = kept.get(name).copied().unwrap_or_default();
            (name.to_owned(), Family { share: safe, safe, frozen, lease_until: None })
        };
        Self(families.into_iter().map(family).collect())
    }

    /// What outlives the gateway.
    pub fn kept(&self) -> BTreeMap<String, Kept> {
        let kept = |family: &Family| Kept { safe: family.safe, frozen: family.frozen };
        self.0.iter().map(|(name, family)| (name.clone(), kept(family))).collect()
    }

    /// Families that may not change.
    pub(crate) fn frozen(&self) -> Vec<String> {
        self.0.iter().filter(|(_, family)| family.frozen).map(|(name, _)| name.clone()).collect()
    }

    /// Takes families over from the routes after they changed; those that stay keep their state.
    pub fn keep<'a>(&mut self, families: impl IntoIterator<Item = &'a str>) {
        let kept = families.into_iter().map(|name| (name.to_owned(), self.0.get(name).copied().unwrap_or_default()));
        self.0 = kept.collect();
    }

    /// Does what is asked for, in all families of `scope` or in none.
    ///
    /// # Errors
    ///
    /// The first reason against it; nothing has changed then, and leases that are over wait for [`Control::expire`].
    pub fn apply(&mut self, scope: &Scope, command: &Command, now: Instant) -> Result<Vec<Change>, Refusal> {
        let names: Vec<String> = match scope {
            Scope::All => self.0.keys().cloned().collect(),
            Scope::Those(names) => names.iter().filter(|name| self.0.contains_key(*name)).cloned().collect(),
            Scope::Family(name) if self.0.contains_key(name) => vec![name.clone()],
            Scope::Family(name) => return Err(Refusal::Unknown(name.clone(), self.0.keys().cloned().collect())),
        };
        let mut next = self.clone();
        let mut changes = next.expire(now);
        if *command == Command::Renew && !names.iter().any(|name| next.has_lease(name)) {
            let name = if *scope == Scope::All { "all".to_owned() } else { names.concat() };
            return Err(Refusal::NoLease(name));
        }
        for name in names {
            let Some(family) = next.0.get_mut(&name) else { continue };
            let from = family.share;
            match command {
                Command::Set(_) | Command::Confirm if family.frozen => return Err(Refusal::Frozen(name)),
                Command::Set(share) => {
                    family.share = *share;
                    // Whoever goes down does not want the higher share back.
                    family.safe = family.safe.min(*share);
                    family.lease_until = (*share > family.safe).then_some(now + LEASE);
                }
                Command::Return => {
                    *family = Family { frozen: true, ..Family::default() };
                }
                Command::Retreat => {
                    *family = Family { share: family.safe, safe: family.safe, frozen: true, lease_until: None };
                }
                Command::Freeze => family.frozen = true,
                Command::Thaw => family.frozen = false,
                Command::Renew => family.lease_until = family.lease_until.map(|_| now + LEASE),
                Command::Confirm => {
                    family.safe = family.share;
                    family.lease_until = None;
                }
            }
            if family.share != from {
                changes.push(Change { family: name, from, to: family.share });
            }
        }
        *self = next;
        Ok(changes)
    }

    fn has_lease(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|family| family.lease_until.is_some())
    }

    /// Ends the leases nobody renewed.
    pub fn expire(&mut self, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, family) in &mut self.0 {
            if family.lease_until.is_some_and(|until| until <= now) {
                changes.push(Change { family: name.clone(), from: family.share, to: family.safe });
                family.share = family.safe;
                family.lease_until = None;
            }
        }
        changes
    }

    /// Every family as it stands.
    pub fn show(&self, now: Instant) -> BTreeMap<String, Shown> {
        let shown = |family: &Family| Shown {
            share: family.share,
            safe: family.safe,
            frozen: family.frozen,
            lease_seconds: family.lease_until.map(|until| until.saturating_duration_since(now).as_secs_f64()),
        };
        self.0.iter().map(|(name, family)| (name.clone(), shown(family))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use super::{Command, Control, LEASE, Refusal, Scope};
    use crate::split::Share;

    fn percent(percent: u32) -> Share {
        Share::from_basis_points(percent * 100)
    }

    fn users() -> Scope {
        Scope::Family("users".to_owned())
    }

    #[test]
    fn share_above_the_safe_one_holds_only_while_renewed() {
        let start = Instant::now();
        let mut control = Control::new(["users", "tenants"], &BTreeMap::new());
        control.apply(&users(), &Command::Set(percent(1)), start).unwrap();
        control.apply(&users(), &Command::Confirm, start).unwrap();
        control.apply(&users(), &Command::Set(percent(10)), start).unwrap();
        let mut now = start;
        for _ in 0..10 {
            now += Duration::from_secs(14);
            assert!(control.expire(now).is_empty());
            control.apply(&users(), &Command::Renew, now).unwrap();
        }
        assert!(control.expire(now + Duration::from_millis(14_999)).is_empty());
        let changes = control.expire(now + LEASE);
        assert_eq!((changes.len(), changes[0].from, changes[0].to), (1, percent(10), percent(1)));
        assert!(control.expire(now + LEASE * 100).is_empty(), "the safe share needs no lease");
        let refused = control.apply(&users(), &Command::Renew, now + LEASE * 2);
        assert_eq!(refused, Err(Refusal::NoLease("users".to_owned())), "whoever slept learns that it is over");
        assert_eq!(control.show(now)["users"].share, percent(1));
    }

    #[test]
    fn whoever_renews_everything_learns_that_no_lease_is_left() {
        let start = Instant::now();
        let mut control = Control::new(["users", "tenants"], &BTreeMap::new());
        control.apply(&Scope::All, &Command::Set(percent(50)), start).unwrap();
        control.apply(&users(), &Command::Set(percent(0)), start).unwrap();
        control.apply(&Scope::All, &Command::Renew, start).unwrap();
        let refused = control.apply(&Scope::All, &Command::Renew, start + LEASE);
        assert_eq!(refused, Err(Refusal::NoLease("all".to_owned())));
        assert_eq!(control.expire(start + LEASE).len(), 1, "the refusal left the lease to be ended");
    }

    #[test]
    fn late_command_does_not_revive_a_lease_that_nobody_ended_yet() {
        let start = Instant::now();
        let mut control = Control::new(["users"], &BTreeMap::new());
        control.apply(&users(), &Command::Set(percent(50)), start).unwrap();
        let refused = control.apply(&users(), &Command::Renew, start + LEASE);
        assert_eq!(refused, Err(Refusal::NoLease("users".to_owned())));
    }

    #[test]
    fn return_needs_no_lease_and_keeps_everybody_from_going_up() {
        let now = Instant::now();
        let mut control = Control::new(["users", "tenants"], &BTreeMap::new());
        control.apply(&Scope::All, &Command::Set(Share::ALL), now).unwrap();
        control.apply(&Scope::All, &Command::Freeze, now).unwrap();
        let changes = control.apply(&Scope::All, &Command::Return, now).unwrap();
        assert!(changes.len() == 2 && changes.iter().all(|change| change.to == Share::NONE));
        let refused = control.apply(&Scope::All, &Command::Set(percent(1)), now).unwrap_err();
        assert!(matches!(refused, Refusal::Frozen(_)));
        control.apply(&Scope::All, &Command::Thaw, now).unwrap();
        control.apply(&Scope::All, &Command::Set(percent(1)), now).unwrap();
    }

    #[test]
    fn retreat_ends_the_lease_and_keeps_everybody_from_going_up() {
        let now = Instant::now();
        let mut control = Control::new(["users"], &BTreeMap::new());
        control.apply(&users(), &Command::Set(percent(1)), now).unwrap();
        control.apply(&users(), &Command::Confirm, now).unwrap();
        control.apply(&users(), &Command::Set(percent(10)), now).unwrap();
        let changes = control.apply(&users(), &Command::Retreat, now).unwrap();
        assert_eq!((changes[0].from, changes[0].to), (percent(10), percent(1)));
        assert!(matches!(control.apply(&users(), &Command::Renew, now), Err(Refusal::NoLease(_))));
        assert!(matches!(control.apply(&users(), &Command::Set(percent(10)), now), Err(Refusal::Frozen(_))));
        assert!(control.expire(now + LEASE).is_empty());
    }

    #[test]
    fn refused_command_changes_nothing_anywhere() {
        let now = Instant::now();
        let mut control = Control::new(["tenants", "users"], &BTreeMap::new());
        control.apply(&users(), &Command::Freeze, now).unwrap();
        assert!(control.apply(&Scope::All, &Command::Set(percent(5)), now).is_err());
        assert_eq!(control.show(now)["tenants"].share, Share::NONE);
        let unknown = control.apply(&Scope::Family("usres".to_owned()), &Command::Return, now).unwrap_err();
        assert!(unknown.to_string().contains("tenants, users"), "{unknown}");
    }

    #[test]
    fn going_down_lowers_what_is_safe() {
        let now = Instant::now();
        let mut control = Control::new(["users"], &BTreeMap::new());
        control.apply(&users(), &Command::Set(percent(50)), now).unwrap();
        control.apply(&users(), &Command::Confirm, now).unwrap();
        control.apply(&users(), &Command::Set(percent(10)), now).unwrap();
        let shown = control.show(now)["users"].clone();
        assert_eq!((shown.share, shown.safe, shown.lease_seconds), (percent(10), percent(10), None));
    }
}
