//! What a tenant uses of what its plan allows.

use jiff::Timestamp;
use kernel::{Ctx, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Limits, Plan, Tenant};
use crate::store::{invitations, workspaces};
use crate::{TenantError, Tenants};

/// What a tenant has.
#[derive(Debug, Clone, Copy, Default, Serialize, ToSchema)]
pub(crate) struct Used {
    /// Everybody who is not deleted.
    #[serde(rename = "users")]
    pub(crate) people: i64,
    /// Those of them who may log in.
    #[serde(rename = "active_users")]
    pub(crate) active_people: i64,
    /// Each of them holds a seat until it is accepted, revoked or too old.
    pub(crate) pending_invitations: i64,
    pub(crate) workspaces: i64,
    pub(crate) projects: i64,
}

/// What a tenant uses, and what its plan allows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Usage {
    #[schema(value_type = uuid::Uuid)]
    pub(crate) tenant_id: TenantId,
    pub(crate) plan: Plan,
    pub(crate) current: Used,
    pub(crate) limits: Limits,
    /// Whether the limits are enforced; while old services run theirs hold instead (T-48).
    pub(crate) enforced: bool,
    /// When this was counted.
    pub(crate) calculated_at: Timestamp,
}

impl Tenants {
    /// Counts the tenant's people, workspaces and projects.
    pub(crate) async fn usage(&self, cx: &Ctx, id: TenantId) -> Result<Usage, TenantError> {
        let there = self.reach(cx, id)?;
        let tx = self.db.read(&there).await?;
        let tenant = self.read(cx, &tx, id).await?;
        let current = self.used(&tx, cx, id).await?;
        Ok(self.usage_of(cx, &tenant, current))
    }

    pub(super) fn usage_of(&self, cx: &Ctx, tenant: &Tenant, current: Used) -> Usage {
        Usage {
            tenant_id: tenant.id,
            plan: tenant.plan,
            current,
            limits: tenant.limits,
            enforced: !self.coexistence,
            calculated_at: cx.now(),
        }
    }

    /// Counts in a transaction that sees the tenant.
    pub(super) async fn used(&self, tx: &db::Tx, cx: &Ctx, id: TenantId) -> Result<Used, TenantError> {
        let people = self.people.headcounts(tx, &[id]).await?;
        let holdings = workspaces::count(tx, &[id]).await?.into_iter().next().unwrap_or_default();
        Ok(Used {
            people: people.first().map_or(0, |count| count.people),
            active_people: people.first().map_or(0, |count| count.active),
            pending_invitations: invitations::count_pending(tx, id, None, cx.now()).await?,
            workspaces: holdings.workspaces,
            projects: holdings.projects,
        })
    }
}
