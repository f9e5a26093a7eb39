//! Counts of a tenant's workspaces.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kernel::{Ctx, TenantId};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{caller_in_tenant, choose_tenant, is_homeless};
use crate::{WorkspaceError, Workspaces, store};

/// Counts of a tenant's live workspaces and what is in them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkspaceStats {
    /// All.
    pub(crate) total_workspaces: i64,
    /// The same number.
    pub(crate) active_workspaces: i64,
    /// Projects of any status.
    pub(crate) total_projects: i64,
    /// Projects that are `active`.
    pub(crate) active_projects: i64,
    /// Connected bases.
    pub(crate) total_airtable_bases: i64,
    /// Always empty, as it always was.
    pub(crate) workspaces_by_tenant: BTreeMap<String, i64>,
    /// By status.
    pub(crate) projects_by_status: BTreeMap<String, i64>,
    /// When this was counted.
    pub(crate) last_updated: Timestamp,
}

impl Workspaces {
    /// Counts the caller's tenant, or any tenant for a super admin.
    pub(crate) async fn stats(&self, cx: &Ctx, tenant: Option<TenantId>) -> Result<WorkspaceStats, WorkspaceError> {
        caller_in_tenant(cx)?;
        let cx = choose_tenant(cx, tenant);
        if is_homeless(&cx) {
            return Err(WorkspaceError::NoContext);
        }
        let tx = self.db.read(&cx).await?;
        let (counts, by_status) = tokio::try_join!(store::stats::counts(&tx), store::stats::projects_by_status(&tx))?;
        let projects_by_status: BTreeMap<String, i64> = by_status.into_iter().collect();
        Ok(WorkspaceStats {
            total_workspaces: counts.workspaces,
            active_workspaces: counts.workspaces,
            total_projects: projects_by_status.values().sum(),
            active_projects: projects_by_status.get("active").copied().unwrap_or_default(),
            total_airtable_bases: counts.bases,
            workspaces_by_tenant: BTreeMap::new(),
            projects_by_status,
            last_updated: cx.now(),
        })
    }
}
