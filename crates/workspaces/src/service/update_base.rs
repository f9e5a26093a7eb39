//! Changing a connected base.

use kernel::{BaseId, Ctx};

use super::access::nested_base;
use super::audit::{self, Changes, Happened};
use crate::legacy_cache::Stale;
use crate::model::{AirtableBase, WorkspaceRole, description, name};
use crate::store::bases::BaseChange;
use crate::store::workspaces::Target;
use crate::{WorkspaceError, Workspaces, store};

/// Fields to change; absent leaves alone, and an explicit false is one (T-52).
#[derive(Debug, Default)]
pub(crate) struct UpdateBase {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) sync_enabled: Option<bool>,
}

impl Workspaces {
    /// Changes a connected base, for the workspace's members. What is sent but does not differ leaves no record.
    pub(crate) async fn update_base(
        &self,
        cx: &Ctx,
        id: BaseId,
        update: UpdateBase,
    ) -> Result<AirtableBase, WorkspaceError> {
        let new_name = update.name.map(name).transpose()?;
        let new_description = update.description.map(description).transpose()?;
        let cx = &self.cross(cx, Target::Base(id)).await?;

        let tx = self.db.begin(cx).await?;
        let (access, project, before) = self.access_base_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Member)?;
        let workspace = access.workspace;
        tx.if_match(&before)?;
        let mut changes = Changes::default();
        let change = BaseChange {
            name: changes.keep::<str>("name", &before.name, new_name),
            description: changes.keep::<str>("description", &before.description, new_description),
            sync_enabled: changes.keep::<bool>("sync_enabled", &before.sync_enabled, update.sync_enabled),
        };
        let Some(changes) = changes.finish() else { return Ok(nested_base(before, project, workspace)) };
        store::bases::update(&tx, project.id, id, &change, cx.now()).await?;
        let happened = Happened {
            action: "airtable_base.updated",
            resource_type: audit::BASE,
            resource_id: &id.to_string(),
            changes: Some(changes),
        };
        audit::record(&tx, cx, workspace.id, &happened).await?;
        let after = store::bases::find(&tx, id).await?.ok_or(WorkspaceError::BaseNotFound)?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().project(project.id)).await;
        Ok(nested_base(after, project, workspace))
    }
}
