//! A member connects an Airtable base to a project.

use kernel::{BaseId, Ctx, ProjectId};
use serde_json::json;

use super::access::nested_base;
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{AirtableBase, WorkspaceRole, description, fits, name};
use crate::store::bases::NewBase;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

/// A base to connect, as sent.
#[derive(Debug, Default)]
pub(crate) struct ConnectBase {
    pub(crate) base_id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    /// Absent is true, which is what the old service's rows always got (T-52).
    pub(crate) sync_enabled: Option<bool>,
}

impl Workspaces {
    /// Connects a base, for the workspace's members; at most once to a project.
    pub(crate) async fn connect_base(
        &self,
        cx: &Ctx,
        project: ProjectId,
        new: ConnectBase,
    ) -> Result<AirtableBase, WorkspaceError> {
        if new.base_id.trim().is_empty() {
            return Err(WorkspaceError::invalid("base_id", "must not be empty"));
        }
        fits("base_id", &new.base_id, 255)?;
        let (name, description) = (name(new.name)?, description(new.description)?);
        let sync_enabled = new.sync_enabled.unwrap_or(true);
        let id: BaseId = cx.new_id();
        let cx = &self.cross(cx, Target::Project(project)).await?;

        let tx = self.db.begin(cx).await?;
        let (access, project) = self.access_project_locked(&tx, cx, project).await?;
        access.require(WorkspaceRole::Member)?;
        if store::bases::taken(&tx, project.id, &new.base_id).await? {
            return Err(WorkspaceError::BaseTaken);
        }
        let row = NewBase {
            id,
            project: project.id,
            base_id: &new.base_id,
            name: &name,
            description: &description,
            sync_enabled,
        };
        store::bases::insert(&tx, &row, cx.now()).await?;
        let happened = Happened {
            action: "airtable_base.connected",
            resource_type: audit::BASE,
            resource_id: &id.to_string(),
            changes: Some(json!({
                "base_id": new.base_id, "name": name, "project_id": project.id, "sync_enabled": sync_enabled
            })),
        };
        audit::record(&tx, cx, project.workspace_id, &happened).await?;
        let (access, project, base) = self.access_base(&tx, cx, id).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().project(project.id).workspace(project.workspace_id)).await;
        Ok(nested_base(base, project, access.workspace))
    }
}
