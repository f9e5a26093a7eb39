//! Changing a tenant's name, slug, domain and plan; only while it is active.

use kernel::{Ctx, Role, TenantId};

use super::changes::Changes;
use crate::model::{Domain, Limits, Plan, Slug, Status, Tenant, parse_name};
use crate::store::{self, workspaces};
use crate::{TenantError, Tenants, events};

/// Fields to change. Present overwrites, absent leaves alone; an empty domain removes it.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) name: Option<String>,
    pub(crate) slug: Option<String>,
    pub(crate) domain: Option<String>,
    pub(crate) plan: Option<String>,
    /// Of a custom plan; super admins only.
    pub(crate) limits: Option<Limits>,
}

/// A checked [`Update`].
struct Parsed {
    name: Option<String>,
    slug: Option<Slug>,
    domain: DomainChange,
    plan: Option<Plan>,
    limits: Option<Limits>,
}

enum DomainChange {
    Keep,
    Remove,
    Set(String),
}

impl Tenants {
    /// Changes the tenant; what changes nothing writes nothing.
    pub(crate) async fn update(&self, cx: &Ctx, id: TenantId, change: &Update) -> Result<Tenant, TenantError> {
        let there = self.reach_as_admin(cx, id)?;
        let change = parse(change)?;
        let custom = change.plan == Some(Plan::Custom) || change.limits.is_some();
        if custom && !cx.has_role(Role::SuperAdmin) {
            return Err(TenantError::InsufficientPermissions);
        }
        let tx = self.db.begin(&there).await?;
        store::lock(&tx, id).await?;
        let before = self.read(cx, &tx, id).await?;
        tx.if_match(&before)?;
        if before.status != Status::Active {
            return Err(TenantError::not_active(before.status));
        }
        let after = applied(&before, change);
        let changes = changes(&before, &after);
        if changes.is_empty() {
            return Ok(before);
        }
        if after.limits != before.limits {
            self.fits(&tx, cx, &after).await?;
        }
        store::ensure(&tx, cx.now()).await?;
        store::update(&tx, &after, cx.now()).await?;
        let after = store::find(&tx, id).await?.ok_or(TenantError::NotFound)?;
        tx.emit(cx, events::tenant("tenant.updated", &after)).await?;
        tx.audit(cx, &changes.of_tenant("tenant.updated", id)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Refuses a plan smaller than what is used already; what a plan only advises is not looked at.
    async fn fits(&self, tx: &db::TenantTx, cx: &Ctx, tenant: &Tenant) -> Result<(), TenantError> {
        workspaces::lock(tx).await?;
        let used = self.used(tx, cx, tenant.id).await?;
        let limits = &tenant.limits;
        for (what, used, limit) in [
            ("users", used.people + used.pending_invitations, limits.users),
            ("workspaces", used.workspaces, limits.workspaces),
            ("projects", used.projects, limits.projects),
        ] {
            if limit >= 0 && used > limit {
                return Err(TenantError::PlanTooSmall { what, used, limit });
            }
        }
        Ok(())
    }
}

fn parse(change: &Update) -> Result<Parsed, TenantError> {
    Ok(Parsed {
        name: change.name.as_deref().map(parse_name).transpose()?,
        slug: change.slug.as_deref().map(str::parse).transpose()?,
        domain: match change.domain.as_deref().map(str::trim) {
            None => DomainChange::Keep,
            Some("") => DomainChange::Remove,
            Some(text) => DomainChange::Set(text.parse::<Domain>()?.into_inner()),
        },
        plan: change.plan.as_deref().map(Plan::parse).transpose()?,
        limits: change.limits,
    })
}

fn applied(before: &Tenant, change: Parsed) -> Tenant {
    let mut after = before.clone();
    after.name = change.name.unwrap_or(after.name);
    after.slug = change.slug.map_or(after.slug, |slug| slug.as_str().to_owned());
    match change.domain {
        DomainChange::Keep => {}
        DomainChange::Remove => after.domain = None,
        DomainChange::Set(domain) => after.domain = Some(domain),
    }
    after.plan = change.plan.unwrap_or(after.plan);
    if let (Plan::Custom, Some(limits)) = (after.plan, change.limits) {
        after.subscription = after.subscription.with_limits(limits);
    }
    after.limits = after.plan.limits().unwrap_or_else(|| after.subscription.limits());
    after
}

fn changes(before: &Tenant, after: &Tenant) -> Changes {
    let limits = |tenant: &Tenant| serde_json::to_value(tenant.limits).unwrap_or_default();
    let changes = Changes::default()
        .field("name", before.name.clone(), after.name.clone())
        .field("slug", before.slug.clone(), after.slug.clone())
        .field("domain", before.domain.clone(), after.domain.clone())
        .field("plan", before.plan.as_str(), after.plan.as_str());
    // The limits of a listed plan follow from its name.
    if after.plan == Plan::Custom { changes.field("limits", limits(before), limits(after)) } else { changes }
}
