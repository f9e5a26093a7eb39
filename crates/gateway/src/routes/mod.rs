//! The table of routes: which paths there are, which services answer them on either side, and what is in force.

pub(crate) mod file;
mod parse;
mod path;
mod upstream;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use self::parse::header;
pub use self::parse::{Problem, parse};
pub use self::path::Pattern;
pub use self::upstream::{Endpoint, Group, Protocol};

use crate::forced::Forced;
use crate::split::{Splitter, Weight};

/// The paths of one line of the file, and who answers them.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its place in the table.
    pub(crate) index: usize,
    /// Which paths.
    pub pattern: Pattern,
    /// The family whose share counts.
    pub family: String,
    /// The old services.
    pub legacy: Option<Group>,
    /// The new one.
    pub platform: Option<Group>,
    /// How long a service may be silent while a request waits for its answer.
    pub timeout: Duration,
}

/// Paths whose traffic is moved together.
#[derive(Debug, Clone, Default)]
pub struct Family {
    /// The share of the new side that is in force.
    pub weight: Weight,
}

/// All routes, and everything else a decision depends on.
#[derive(Debug, Clone)]
pub struct Table {
    /// Longest patterns first.
    pub(crate) routes: Vec<Route>,
    pub(crate) families: BTreeMap<String, Family>,
    /// Makes positions of people.
    pub splitter: Splitter,
    /// Who is on a side whatever the share.
    pub forced: Forced,
}

impl Table {
    /// The route of a path: the longest that matches.
    pub fn route(&self, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.pattern.matches(path))
    }

    /// All routes.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// A family by its name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.get(name)
    }

    /// All families with their names.
    pub fn families(&self) -> impl Iterator<Item = (&str, &Family)> {
        self.families.iter().map(|(name, family)| (name.as_str(), family))
    }

    /// The share in force for a route.
    pub(crate) fn weight(&self, route: &Route) -> crate::split::Share {
        self.families.get(&route.family).map_or_else(Default::default, |family| family.weight.get())
    }
}
