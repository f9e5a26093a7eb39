//! A person makes a workspace and owns it.

use db::TenantTx;
use kernel::{Ctx, WorkspaceId};
use serde_json::{Map, Value, json};

use super::access::{caller_in_tenant, choose_tenant, is_homeless};
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Workspace, WorkspaceRole, description, name, settings_text};
use crate::store::workspaces::NewWorkspace;
use crate::{LEGACY_WORKSPACES, WorkspaceError, Workspaces, events, store};

/// A workspace to create, as sent.
#[derive(Debug, Default)]
pub(crate) struct Create {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) settings: Map<String, Value>,
    pub(crate) tenant_id: Option<String>,
}

impl Workspaces {
    /// Creates the workspace in the caller's tenant; refused at the limit first, then for a name in use.
    pub(crate) async fn create(&self, cx: &Ctx, new: Create) -> Result<Workspace, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        let cx = &in_named_tenant(cx, new.tenant_id.as_deref())?;
        if is_homeless(cx) {
            return Err(WorkspaceError::NoContext);
        }
        let (name, description) = (name(new.name)?, description(new.description)?);
        let settings = settings_text(new.settings);
        let id: WorkspaceId = cx.new_id();

        let tx = self.db.begin(cx).await?;
        store::workspaces::lock_tenant(&tx).await?;
        self.check_room(&tx, &name, id).await?;
        let row = NewWorkspace { id, name: &name, description: &description, settings: &settings, created_by: &caller };
        store::workspaces::insert(&tx, &row, cx.now()).await?;
        store::members::insert(&tx, id, &caller, WorkspaceRole::Owner, Some(cx.now())).await?;
        let happened = Happened {
            action: "workspace.created",
            resource_type: audit::WORKSPACE,
            resource_id: &id.to_string(),
            changes: Some(json!({ "name": name, "description": description, "tenant_id": tx.tenant() })),
        };
        audit::record(&tx, cx, id, &happened).await?;
        let workspace = self.access(&tx, cx, id).await?.workspace;
        tx.emit(cx, events::workspace(&tx, "workspace.created", &workspace)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspaces_of([caller])).await;
        Ok(workspace)
    }

    /// Whether one more live workspace of this name may exist. The tenant's lock is held.
    pub(super) async fn check_room(&self, tx: &TenantTx, name: &str, id: WorkspaceId) -> Result<(), WorkspaceError> {
        let limit = if self.coexistence { Some(LEGACY_WORKSPACES) } else { self.limits.max_workspaces(tx).await? };
        if let Some(limit) = limit
            && store::workspaces::count_live(tx).await? >= limit
        {
            return Err(WorkspaceError::QuotaExceeded { things: "workspaces", limit });
        }
        if store::workspaces::name_taken(tx, name, id).await? {
            return Err(WorkspaceError::WorkspaceNameTaken);
        }
        Ok(())
    }
}

/// A body may name the tenant it is for; only a super admin's may name another than the caller's own (T-16).
fn in_named_tenant(cx: &Ctx, named: Option<&str>) -> Result<Ctx, WorkspaceError> {
    let Some(named) = named.filter(|id| !id.is_empty()) else { return Ok(cx.clone()) };
    let named = named.parse().map_err(|_| WorkspaceError::invalid("tenant_id", "must be a UUID"))?;
    let cx = choose_tenant(cx, Some(named));
    if cx.tenant == Some(named) { Ok(cx) } else { Err(WorkspaceError::Forbidden) }
}
