//! Plans and what they allow, as data (contract 1.4).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::TenantError;

/// What a tenant pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    Free,
    Starter,
    Professional,
    Enterprise,
    /// Limits set one by one for the tenant; what is not set is unlimited.
    Custom,
}

/// The most a tenant may have; -1 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct Limits {
    /// People, and pending invitations with them.
    pub(crate) users: i64,
    /// Advisory while old services run, which allow 10 whatever the plan (T-48).
    pub(crate) workspaces: i64,
    pub(crate) projects: i64,
    /// Gigabytes.
    pub(crate) storage_gb: i64,
    /// A month.
    pub(crate) api_calls: i64,
    pub(crate) integrations: i64,
}

/// What -1 stands for in the old shapes.
pub(crate) const UNLIMITED: i64 = -1;

impl Default for Limits {
    fn default() -> Self {
        Self {
            users: UNLIMITED,
            workspaces: UNLIMITED,
            projects: UNLIMITED,
            storage_gb: UNLIMITED,
            api_calls: UNLIMITED,
            integrations: UNLIMITED,
        }
    }
}

/// Plan, its word, users, workspaces, projects, gigabytes, calls a month, integrations, price a month in cents.
type Row = (Plan, &'static str, [i64; 6], i64);

const PLANS: [Row; 4] = [
    (Plan::Free, "free", [5, 3, 10, 1, 1_000, 2], 0),
    (Plan::Starter, "starter", [25, 10, 50, 10, 10_000, 5], 1_900),
    (Plan::Professional, "professional", [100, 50, 500, 100, 100_000, 20], 4_900),
    (Plan::Enterprise, "enterprise", [1_000, 500, 5_000, 1_000, 1_000_000, 100], 9_900),
];

impl Plan {
    /// The stored word.
    pub(crate) fn as_str(self) -> &'static str {
        self.row().map_or("custom", |row| row.1)
    }

    /// Cents a month; a custom plan's price is not known here.
    pub(crate) fn price(self) -> Option<i64> {
        self.row().map(|row| row.3)
    }

    /// The limits, unless they are set for each tenant.
    pub(crate) fn limits(self) -> Option<Limits> {
        self.row().map(|(_, _, [users, workspaces, projects, storage_gb, api_calls, integrations], _)| Limits {
            users: *users,
            workspaces: *workspaces,
            projects: *projects,
            storage_gb: *storage_gb,
            api_calls: *api_calls,
            integrations: *integrations,
        })
    }

    /// The three tiers the admin dashboard knows.
    pub(crate) const fn tier(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Starter | Self::Professional => "pro",
            Self::Enterprise | Self::Custom => "enterprise",
        }
    }

    /// What people read.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Free => "Free",
            Self::Starter => "Starter",
            Self::Professional => "Professional",
            Self::Enterprise => "Enterprise",
            Self::Custom => "Custom",
        }
    }

    /// Reads a stored word; one nobody knows allows the least.
    pub(crate) fn from_stored(word: &str) -> Self {
        Self::find(word).unwrap_or(Self::Free)
    }

    /// Reads a plan a client asks for.
    pub(crate) fn parse(word: &str) -> Result<Self, TenantError> {
        Self::find(word).ok_or_else(|| {
            TenantError::invalid("Invalid plan", "plan", "must be free, starter, professional, enterprise or custom")
        })
    }

    /// `basic` and `pro` are other editions' words for plans of the same size.
    fn find(word: &str) -> Option<Self> {
        match word {
            "basic" => Some(Self::Starter),
            "pro" => Some(Self::Professional),
            "custom" => Some(Self::Custom),
            _ => PLANS.iter().find(|row| row.1 == word).map(|row| row.0),
        }
    }

    fn row(self) -> Option<&'static Row> {
        PLANS.iter().find(|row| row.0 == self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Plan, UNLIMITED};

    #[test]
    fn plans_have_the_limits_of_the_contract() {
        let free = Plan::parse("free").unwrap().limits().unwrap();
        assert_eq!((free.users, free.workspaces, free.projects, free.storage_gb), (5, 3, 10, 1));
        assert_eq!((free.api_calls, free.integrations), (1_000, 2));
        let enterprise = Plan::Enterprise.limits().unwrap();
        assert_eq!((enterprise.users, enterprise.workspaces, enterprise.api_calls), (1_000, 500, 1_000_000));
        assert_eq!(Plan::Custom.limits().unwrap_or_default().users, UNLIMITED);
        let prices = [Plan::Free, Plan::Starter, Plan::Professional, Plan::Enterprise, Plan::Custom].map(Plan::price);
        assert_eq!(prices, [Some(0), Some(1_900), Some(4_900), Some(9_900), None]);
    }

    #[test]
    fn plans_of_other_editions_are_understood() {
        assert_eq!(Plan::parse("basic").unwrap(), Plan::Starter);
        assert_eq!(Plan::parse("pro").unwrap(), Plan::Professional);
        assert!(Plan::parse("gold").is_err());
        assert_eq!(Plan::from_stored("gold"), Plan::Free);
    }
}
