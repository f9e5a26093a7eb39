//! Changing a project.

use kernel::{Ctx, ProjectId};
use serde_json::{Map, Value};

use super::access::nested;
use super::audit::{self, Changes, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Project, Status, WorkspaceRole, description, name};
use crate::store::projects::ProjectChange;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

/// Fields to change; absent leaves alone.
#[derive(Debug, Default)]
pub(crate) struct UpdateProject {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) settings: Option<Map<String, Value>>,
}

impl Workspaces {
    /// Changes a project, for the workspace's members. What is sent but does not differ leaves no record.
    pub(crate) async fn update_project(
        &self,
        cx: &Ctx,
        id: ProjectId,
        update: UpdateProject,
    ) -> Result<Project, WorkspaceError> {
        let new_name = update.name.map(name).transpose()?;
        let new_description = update.description.map(description).transpose()?;
        let new_status = update.status.as_deref().map(Status::parse).transpose()?;
        let cx = &self.cross(cx, Target::Project(id)).await?;

        let tx = self.db.begin(cx).await?;
        let (access, before) = self.access_project_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Member)?;
        let workspace = access.workspace;
        tx.if_match(&before)?;
        let mut changes = Changes::default();
        let new_status = changes.keep::<str>("status", &before.status, new_status.map(|new| new.as_str().to_owned()));
        let change = ProjectChange {
            name: changes.keep::<str>("name", &before.name, new_name),
            description: changes.keep::<str>("description", &before.description, new_description),
            status: new_status,
            settings: changes.keep_object("settings", before.settings.get(), update.settings),
        };
        let Some(changes) = changes.finish() else { return Ok(nested(before, workspace)) };
        if let Some(name) = &change.name
            && store::projects::name_taken(&tx, workspace.id, name, id).await?
        {
            return Err(WorkspaceError::ProjectNameTaken);
        }
        store::projects::update(&tx, workspace.id, id, &change, cx.now()).await?;
        let happened = Happened {
            action: "project.updated",
            resource_type: audit::PROJECT,
            resource_id: &id.to_string(),
            changes: Some(changes),
        };
        audit::record(&tx, cx, workspace.id, &happened).await?;
        let after = store::projects::find(&tx, id).await?.ok_or(WorkspaceError::ProjectNotFound)?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().project(id)).await;
        Ok(nested(after, workspace))
    }
}
