//! A super admin, or a service, creates a tenant.

use kernel::{Ctx, Role, TenantId};
use serde_json::{Map, Value, json};

use super::changes::Changes;
use crate::model::{Domain, Limits, Plan, Settings, Slug, Subscription, Tenant, parse_name, slug_of};
use crate::store::NewTenant;
use crate::{TenantError, Tenants, events, store};

/// A tenant to create.
#[derive(Debug, Default)]
pub(crate) struct Create {
    pub(crate) name: String,
    pub(crate) slug: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) plan: Option<String>,
    /// Of a custom plan.
    pub(crate) limits: Option<Limits>,
    pub(crate) settings: Option<Map<String, Value>>,
}

/// A checked [`Create`].
pub(super) struct Parsed {
    name: String,
    slug: Slug,
    domain: Option<String>,
    plan: Plan,
    settings: Settings,
    /// Of a custom plan only.
    limits: Option<Limits>,
    subscription: Subscription,
}

impl Tenants {
    /// Creates the tenant. Of several at once with one slug, the unique key lets one through.
    pub(crate) async fn create(&self, cx: &Ctx, new: Create) -> Result<Tenant, TenantError> {
        if !cx.has_role(Role::SuperAdmin) {
            return Err(TenantError::InsufficientPermissions);
        }
        let id: TenantId = cx.new_id();
        let slug = chosen(new.slug.as_deref()).map_or_else(|| Ok(slug_of(&new.name, id)), str::parse)?;
        let parsed = Parsed::check(cx, new, slug)?;
        let tx = self.db.begin(&cx.in_tenant(id)).await?;
        parsed.insert(&tx, cx, id).await?;
        let tenant = store::find(&tx, id).await?.ok_or(TenantError::NotFound)?;
        tx.emit(cx, events::tenant("tenant.created", &tenant)).await?;
        tx.audit(cx, &parsed.changes().of_tenant("tenant.created", id)).await?;
        tx.commit().await?;
        Ok(tenant)
    }
}

impl Parsed {
    pub(super) fn check(cx: &Ctx, new: Create, slug: Slug) -> Result<Self, TenantError> {
        let plan = chosen(new.plan.as_deref()).map_or(Ok(Plan::Free), Plan::parse)?;
        let domain = chosen(new.domain.as_deref()).map(str::parse::<Domain>).transpose()?.map(Domain::into_inner);
        let trial = Subscription::trial(cx.now());
        let limits = new.limits.filter(|_| plan == Plan::Custom);
        Ok(Self {
            name: parse_name(&new.name)?,
            slug,
            domain,
            plan,
            settings: Settings::default().changed(new.settings.unwrap_or_default())?,
            limits,
            subscription: match limits {
                Some(limits) => trial.with_limits(limits),
                None => trial,
            },
        })
    }

    pub(super) async fn insert(&self, tx: &db::Tx, cx: &Ctx, id: TenantId) -> Result<(), TenantError> {
        let row = NewTenant {
            id,
            name: &self.name,
            slug: self.slug.as_str(),
            domain: self.domain.as_deref(),
            plan: self.plan.as_str(),
            settings: &self.settings.to_stored(),
            subscription: &self.subscription.to_stored(),
        };
        Ok(store::insert(tx, &row, cx.now()).await?)
    }

    pub(super) fn changes(&self) -> Changes {
        Changes::default()
            .field("name", Value::Null, self.name.clone())
            .field("slug", Value::Null, self.slug.as_str())
            .field("domain", Value::Null, self.domain.clone())
            .field("plan", Value::Null, self.plan.as_str())
            .field("settings", json!({}), self.settings.chosen())
            .field("limits", Value::Null, self.limits.map_or(Value::Null, |limits| json!(limits)))
    }
}

/// An empty text is the same as none.
pub(super) fn chosen(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}
