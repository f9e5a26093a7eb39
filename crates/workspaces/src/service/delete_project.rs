//! Deleting a project keeps its row.

use kernel::{Ctx, ProjectId};
use serde_json::json;

use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::WorkspaceRole;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

impl Workspaces {
    /// Deletes a project, for the workspace's admins; refused while bases are connected.
    pub(crate) async fn delete_project(&self, cx: &Ctx, id: ProjectId) -> Result<(), WorkspaceError> {
        let cx = &self.cross(cx, Target::Project(id)).await?;
        let tx = self.db.begin(cx).await?;
        let (access, project) = self.access_project_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Admin)?;
        tx.if_match(&project)?;
        // The workspace's lock holds off this program's writers; this one waits for bases the old service is connecting.
        if !store::projects::lock(&tx, id).await? {
            return Err(WorkspaceError::ProjectNotFound);
        }
        let bases = store::bases::count_live(&tx, id).await?;
        if bases > 0 {
            return Err(WorkspaceError::HasBases(bases));
        }
        store::projects::delete(&tx, project.workspace_id, id, cx.now()).await?;
        let happened = Happened {
            action: "project.deleted",
            resource_type: audit::PROJECT,
            resource_id: &id.to_string(),
            changes: Some(json!({ "name": project.name })),
        };
        audit::record(&tx, cx, project.workspace_id, &happened).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().project(id).workspace(project.workspace_id)).await;
        Ok(())
    }
}
