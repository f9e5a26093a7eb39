//! Single objects.

use kernel::{BaseId, Ctx, ProjectId, WorkspaceId};

use super::access::{nested, nested_base};
use crate::model::{AirtableBase, Project, Workspace, WorkspaceRole};
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces};

impl Workspaces {
    /// A workspace, for its viewers.
    pub(crate) async fn get(&self, cx: &Ctx, id: WorkspaceId) -> Result<Workspace, WorkspaceError> {
        let cx = &self.cross(cx, Target::Workspace(id)).await?;
        let access = self.access(&self.db.read(cx).await?, cx, id).await?;
        access.require(WorkspaceRole::Viewer)?;
        Ok(access.workspace)
    }

    /// A project, for viewers of its workspace.
    pub(crate) async fn get_project(&self, cx: &Ctx, id: ProjectId) -> Result<Project, WorkspaceError> {
        let cx = &self.cross(cx, Target::Project(id)).await?;
        let (access, project) = self.access_project(&self.db.read(cx).await?, cx, id).await?;
        access.require(WorkspaceRole::Viewer)?;
        Ok(nested(project, access.workspace))
    }

    /// A connected base, for viewers of its workspace.
    pub(crate) async fn get_base(&self, cx: &Ctx, id: BaseId) -> Result<AirtableBase, WorkspaceError> {
        let cx = &self.cross(cx, Target::Base(id)).await?;
        let (access, project, base) = self.access_base(&self.db.read(cx).await?, cx, id).await?;
        access.require(WorkspaceRole::Viewer)?;
        Ok(nested_base(base, project, access.workspace))
    }
}
