//! A member starts a project.

use kernel::{Ctx, ProjectId, WorkspaceId};
use serde_json::{Map, Value, json};

use super::access::{caller, nested};
use super::audit::{self, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Project, WorkspaceRole, description, name, settings_text};
use crate::store::projects::NewProject;
use crate::store::workspaces::Target;
use crate::{MAX_PROJECTS, WorkspaceError, Workspaces, store};

/// A project to create, as sent.
#[derive(Debug, Default)]
pub(crate) struct CreateProject {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) settings: Map<String, Value>,
}

impl Workspaces {
    /// Creates a project in the workspace a body names. One of another tenant and none at all are refused alike (T-16).
    pub(crate) async fn create_project_in(
        &self,
        cx: &Ctx,
        workspace: &str,
        new: CreateProject,
    ) -> Result<Project, WorkspaceError> {
        let workspace = workspace.parse().map_err(|_| WorkspaceError::invalid("workspace_id", "must be a UUID"))?;
        match self.create_project(cx, workspace, new).await {
            Err(WorkspaceError::WorkspaceNotFound) => Err(WorkspaceError::Forbidden),
            result => result,
        }
    }

    /// Creates a project, for the workspace's members; refused at the limit first, then for a name in use.
    pub(crate) async fn create_project(
        &self,
        cx: &Ctx,
        workspace: WorkspaceId,
        new: CreateProject,
    ) -> Result<Project, WorkspaceError> {
        let caller = caller(cx)?;
        let (name, description) = (name(new.name)?, description(new.description)?);
        let settings = settings_text(new.settings);
        let id: ProjectId = cx.new_id();
        let cx = &self.cross(cx, Target::Workspace(workspace)).await?;

        let tx = self.db.begin(cx).await?;
        self.access_locked(&tx, cx, workspace).await?.require(WorkspaceRole::Member)?;
        if store::projects::count_live(&tx, workspace).await? >= MAX_PROJECTS {
            return Err(WorkspaceError::QuotaExceeded { things: "projects", limit: MAX_PROJECTS });
        }
        if store::projects::name_taken(&tx, workspace, &name, id).await? {
            return Err(WorkspaceError::ProjectNameTaken);
        }
        let row = NewProject {
            id,
            workspace,
            name: &name,
            description: &description,
            settings: &settings,
            created_by: &caller,
        };
        store::projects::insert(&tx, &row, cx.now()).await?;
        let happened = Happened {
            action: "project.created",
            resource_type: audit::PROJECT,
            resource_id: &id.to_string(),
            changes: Some(json!({ "name": name, "description": description, "workspace_id": workspace })),
        };
        audit::record(&tx, cx, workspace, &happened).await?;
        let (access, project) = self.access_project(&tx, cx, id).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(workspace)).await;
        Ok(nested(project, access.workspace))
    }
}
