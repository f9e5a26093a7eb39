//! Counts of a tenant's people.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kernel::{Ctx, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{UserError, Users, store};

/// Counts of a tenant's people; deleted ones are left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stats {
    /// All.
    pub(crate) total_users: i64,
    /// Those who may log in.
    pub(crate) active_users: i64,
    /// Those whose address was confirmed.
    pub(crate) verified_users: i64,
    /// By the stored role.
    pub(crate) users_by_role: BTreeMap<String, i64>,
    /// Always empty, as it always was.
    pub(crate) users_by_tenant: BTreeMap<String, i64>,
    /// Those who joined in the last 30 days.
    pub(crate) recent_signups: i64,
    /// When this was counted.
    pub(crate) last_updated: Timestamp,
}

impl Users {
    /// Counts the caller's tenant, or any tenant for a super admin.
    pub(crate) async fn stats(&self, cx: &Ctx, tenant: Option<TenantId>) -> Result<Stats, UserError> {
        let cx = self.choose_tenant(cx, tenant);
        if cx.known_tenant().is_none() {
            return Err(UserError::AccessDenied);
        }
        let now = cx.now();
        let tx = self.db.read(&cx).await?;
        let (counts, by_role) = tokio::try_join!(
            store::counts(&tx, now - SignedDuration::from_hours(30 * 24)),
            store::counts_by_role(&tx),
        )?;
        Ok(Stats {
            total_users: counts.total,
            active_users: counts.active,
            verified_users: counts.verified,
            users_by_role: by_role.into_iter().collect(),
            users_by_tenant: BTreeMap::new(),
            recent_signups: counts.recent,
            last_updated: now,
        })
    }
}
