//! Lists that put tenants, users or marked requests on one side whatever the share is: synthetic and internal tenants go
//! first, and whoever must not move does not.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::identity::Identity;

/// One of the two sides traffic is moved between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The old services.
    Legacy,
    /// The new one.
    Platform,
}

impl Side {
    /// Both, the old one first.
    pub const BOTH: [Self; 2] = [Self::Legacy, Self::Platform];

    /// As it is written in files and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Platform => "platform",
        }
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whom {
    /// One person.
    User(String),
    /// All people of a tenant.
    Tenant(String),
    /// Requests with a header, such as those of a test; the name is in lower case.
    Header(String, String),
}

/// Who is forced where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forced(BTreeMap<Whom, Side>);

impl Forced {
    /// Forces `whom` to `side`, or to none again; says what held before.
    pub fn set(&mut self, whom: Whom, side: Option<Side>) -> Option<Side> {
        match side {
            Some(side) => self.0.insert(whom, side),
            None => self.0.remove(&whom),
        }
    }

    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = (&Whom, Side)> {
        self.0.iter().map(|(whom, side)| (whom, *side))
    }

    /// Where a request is forced to. The narrower rule counts: a person's before their tenant's; a header's before both,
    /// because whoever sets it looks at this very request.
    pub fn side(&self, identity: Option<&Identity>, headers: &HeaderMap) -> Option<Side> {
        if self.0.is_empty() {
            return None;
        }
        let by_header = || {
            self.0.iter().find_map(|(whom, side)| match whom {
                Whom::Header(name, value) => {
                    headers.get_all(name).iter().any(|sent| sent.as_bytes() == value.as_bytes()).then_some(*side)
                }
                _ => None,
            })
        };
        let named = |whom: Option<Whom>| whom.and_then(|whom| self.0.get(&whom).copied());
        by_header()
            .or_else(|| named(identity?.user.clone().map(Whom::User)))
            .or_else(|| named(identity?.tenant.clone().map(Whom::Tenant)))
    }
}
