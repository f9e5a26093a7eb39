//! What the dashboards read. Fields whose data does not exist are 0, empty or null, never left out: the dashboards read
//! them without looking.

use jiff::Timestamp;
use kernel::{Ctx, TenantId, UserId, Version};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::Tagged;

use crate::Person;
use crate::model::{Limits, Plan, Status, Tenant};
use crate::service::dashboard::Overview;

/// A tenant as the admin dashboard shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminTenant {
    #[schema(value_type = uuid::Uuid)]
    id: TenantId,
    name: String,
    slug: String,
    domain: Option<String>,
    /// `active` or `suspended`; an ended tenant counts as suspended.
    status: &'static str,
    plan: PlanView,
    /// The admin who has been there longest.
    owner: Option<MemberView>,
    /// Empty in lists.
    members: Vec<MemberView>,
    usage: UsageView,
    #[schema(value_type = AdminSettings)]
    settings: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl AdminTenant {
    /// With the version of the tenant itself, as `/tenants/{id}` has it.
    pub(super) fn tagged(cx: &Ctx, overview: Overview) -> Tagged<Self> {
        Tagged::of(Version::of(&overview.tenant), Self::of(cx, overview))
    }

    pub(super) fn of(cx: &Ctx, overview: Overview) -> Self {
        let usage = UsageView::of(cx, &overview);
        let Overview { tenant, owner, members, .. } = overview;
        let plan = PlanView::of(&tenant);
        let Tenant { id, name, slug, domain, status, settings, created_at, updated_at, .. } = tenant;
        Self {
            id,
            name,
            slug,
            domain,
            status: if status.lets_people_in() { Status::Active } else { Status::Suspended }.as_str(),
            plan,
            owner: owner.map(Into::into),
            members: members.into_iter().map(Into::into).collect(),
            usage,
            settings: settings.for_dashboards(),
            created_at,
            updated_at,
        }
    }
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PlanView {
    id: Plan,
    name: &'static str,
    /// `free`, `pro` or `enterprise`.
    tier: &'static str,
    limits: LimitsView,
    /// Always empty: plans differ in limits only.
    features: [&'static str; 0],
    /// Cents a month; null for a custom plan.
    price: Option<i64>,
}

impl PlanView {
    pub(in crate::http) fn of(tenant: &Tenant) -> Self {
        let plan = tenant.plan;
        Self {
            id: plan,
            name: plan.title(),
            tier: plan.tier(),
            limits: tenant.limits.into(),
            features: [],
            price: plan.price(),
        }
    }
}

/// What a plan allows; -1 is no limit.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct LimitsView {
    users: i64,
    workspaces: i64,
    /// Gigabytes.
    storage: i64,
    /// A month.
    api_calls: i64,
    /// The plans' integrations.
    automations: i64,
}

impl From<Limits> for LimitsView {
    fn from(limits: Limits) -> Self {
        Self {
            users: limits.users,
            workspaces: limits.workspaces,
            storage: limits.storage_gb,
            api_calls: limits.api_calls,
            automations: limits.integrations,
        }
    }
}

/// What a tenant uses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct UsageView {
    users: i64,
    workspaces: i64,
    /// Not measured: always 0.
    storage: i64,
    /// Not measured: always 0.
    api_calls: i64,
    /// Not measured: always 0.
    automations: i64,
    last_calculated: Timestamp,
}

impl UsageView {
    pub(in crate::http) fn of(cx: &Ctx, overview: &Overview) -> Self {
        Self {
            users: overview.people,
            workspaces: overview.holdings.workspaces,
            storage: 0,
            api_calls: 0,
            automations: 0,
            last_calculated: cx.now(),
        }
    }
}

/// A person of a tenant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct MemberView {
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    email: String,
    /// First and last name.
    name: String,
    first_name: String,
    last_name: String,
    role: String,
    /// `active` or `suspended`.
    status: &'static str,
    joined_at: Timestamp,
    last_active_at: Option<Timestamp>,
}

impl From<Person> for MemberView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id,
            name: format!("{} {}", person.first_name, person.last_name),
            email: person.email,
            first_name: person.first_name,
            last_name: person.last_name,
            role: person.role,
            status: if person.is_active { "active" } else { "suspended" },
            joined_at: person.created_at,
            last_active_at: person.last_login_at,
        }
    }
}

/// The settings the dashboards know.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(
    dead_code,
    clippy::struct_excessive_bools,
    reason = "describes the object that is sent, which is made of the stored one"
)]
pub(in crate::http) struct AdminSettings {
    allow_user_registration: bool,
    require_email_verification: bool,
    enable_audit_logs: bool,
    data_retention_days: u32,
    custom_domain: String,
    sso_enabled: bool,
}
