//! A tenant as its row and the API show it.

use std::str::FromStr;

use db::{FromRow, Row, get};
use jiff::Timestamp;
use kernel::{TenantId, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Limits, Plan, Settings};
use crate::TenantError;

/// An organisation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Tenant {
    /// The tenant's id.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) id: TenantId,
    /// What people call it.
    pub(crate) name: String,
    /// Names it in addresses; unique.
    pub(crate) slug: String,
    /// The tenant's own domain, in lower case; unique, null when there is none.
    pub(crate) domain: Option<String>,
    /// What it pays for.
    pub(crate) plan: Plan,
    /// Whether its people may log in depends on it.
    pub(crate) status: Status,
    /// Whether the status lets people in.
    pub(crate) is_active: bool,
    /// What the plan allows; -1 is no limit.
    pub(crate) limits: Limits,
    /// Defaults included.
    #[serde(serialize_with = "effective")]
    #[schema(value_type = Object)]
    pub(crate) settings: Settings,
    /// State of the payment.
    #[schema(value_type = Object)]
    pub(crate) subscription: Subscription,
    /// When it was founded.
    pub(crate) created_at: Timestamp,
    /// When it was last changed.
    pub(crate) updated_at: Timestamp,
    /// Left out unless deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted_at: Option<Timestamp>,
}

impl Versioned for Tenant {}

impl Tenant {
    /// How a tenant without a row reads (T-53): active, on the free plan.
    pub(crate) fn without_row(id: TenantId) -> Self {
        let slug = format!("tenant-{}", id.0.simple());
        Self {
            id,
            name: slug.clone(),
            slug,
            domain: None,
            plan: Plan::Free,
            status: Status::Active,
            is_active: true,
            limits: Plan::Free.limits().unwrap_or_default(),
            settings: Settings::default(),
            subscription: Subscription::default(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            deleted_at: None,
        }
    }

    pub(crate) const fn is_deleted(&self) -> bool {
        self.deleted_at.is_some() || matches!(self.status, Status::Deleted)
    }
}

impl FromRow for Tenant {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let id = TenantId(get(row, "id")?);
        let without = Self::without_row(id);
        let plan = Plan::from_stored(&get::<String>(row, "plan")?);
        let subscription = Subscription::from_stored(&get::<String>(row, "subscription")?);
        let status = Status::from_stored(&get::<String>(row, "status")?, get(row, "is_active")?);
        Ok(Self {
            id,
            name: get(row, "name")?,
            slug: get::<Option<String>>(row, "slug")?.unwrap_or(without.slug),
            domain: get(row, "domain")?,
            plan,
            status,
            is_active: status.lets_people_in(),
            limits: plan.limits().unwrap_or_else(|| subscription.limits()),
            settings: Settings::from_stored(&get::<String>(row, "settings")?),
            subscription,
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            deleted_at: get(row, "deleted_at")?,
        })
    }
}

fn effective<S: serde::Serializer>(settings: &Settings, serializer: S) -> Result<S::Ok, S::Error> {
    settings.effective().serialize(serializer)
}

/// Where a tenant stands (contract 1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Active,
    /// Switched off by a super admin, its people with it.
    Suspended,
    /// Behind with payment; people may work, the tenant itself cannot be changed.
    Delinquent,
    /// Ended by its owner.
    Canceled,
    Deleted,
}

impl Status {
    const ALL: [Self; 5] = [Self::Active, Self::Suspended, Self::Delinquent, Self::Canceled, Self::Deleted];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Delinquent => "delinquent",
            Self::Canceled => "canceled",
            Self::Deleted => "deleted",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// `is_active` is all that an edition without statuses wrote, so false suspends.
    fn from_stored(word: &str, is_active: bool) -> Self {
        match Self::parse(word) {
            Some(Self::Active | Self::Delinquent) | None if !is_active => Self::Suspended,
            Some(status) => status,
            None => Self::Active,
        }
    }

    pub(crate) const fn lets_people_in(self) -> bool {
        matches!(self, Self::Active | Self::Delinquent)
    }
}

/// The stored `subscription` object: free-form but for the limits of a custom plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Subscription(Map<String, Value>);

impl Subscription {
    /// What a new tenant gets: thirty days of trial.
    pub(crate) fn trial(now: Timestamp) -> Self {
        let ends = now + jiff::SignedDuration::from_hours(30 * 24);
        let fields =
            [("status", "trial".to_owned()), ("trial_ends_at", ends.to_string()), ("currency", "USD".to_owned())];
        Self(fields.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))).collect())
    }

    /// Reads a stored object; anything else counts as empty (T-43).
    fn from_stored(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(crate) fn to_stored(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Limits set for this tenant alone; what is not set is unlimited.
    pub(crate) fn limits(&self) -> Limits {
        self.0.get("limits").and_then(|limits| serde_json::from_value(limits.clone()).ok()).unwrap_or_default()
    }

    /// With the limits of a custom plan.
    pub(crate) fn with_limits(mut self, limits: Limits) -> Self {
        self.0.insert("limits".to_owned(), serde_json::to_value(limits).unwrap_or_default());
        self
    }
}

/// A host name of the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Domain(String);

impl Domain {
    pub(crate) fn into_inner(self) -> String {
        self.0
    }
}

impl FromStr for Domain {
    type Err = TenantError;

    /// Host names are the same in any case, so the lower one is kept: the unique key then compares them rightly.
    fn from_str(text: &str) -> Result<Self, TenantError> {
        let text = text.trim().to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.len() <= 253 && text.contains('.') && text.split('.').all(label) {
            return Ok(Self(text));
        }
        Err(TenantError::invalid("Invalid domain", "domain", "must be a host name like team.example.com"))
    }
}

/// A tenant's name: something to read, no wider than its column.
pub(crate) fn parse_name(text: &str) -> Result<String, TenantError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(TenantError::invalid("Name is required", "name", "is required"));
    }
    if name.chars().count() > 255 {
        return Err(TenantError::invalid("Invalid name", "name", "must be at most 255 characters long"));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Domain, Status};

    #[test]
    fn domain_is_a_host_name_in_lower_case() {
        assert_eq!("Team.Example.COM".parse::<Domain>().unwrap().into_inner(), "team.example.com");
        for bad in ["", "localhost", "a..b", "-a.io", "a-.io", "http://a.io", "a.io/x", "ä.io", &"a.".repeat(200)] {
            assert!(bad.parse::<Domain>().is_err(), "{bad}");
        }
    }

    #[test]
    fn status_of_a_row_follows_the_flag_of_older_editions() {
        assert_eq!(Status::from_stored("active", true), Status::Active);
        assert_eq!(Status::from_stored("active", false), Status::Suspended);
        assert_eq!(Status::from_stored("trial", true), Status::Active);
        assert_eq!(Status::from_stored("deleted", true), Status::Deleted);
        assert!(Status::Delinquent.lets_people_in() && !Status::Canceled.lets_people_in());
    }
}
