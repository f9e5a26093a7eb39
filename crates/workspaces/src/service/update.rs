//! Changing a workspace.

use kernel::{Ctx, WorkspaceId};
use serde_json::{Map, Value};

use super::audit::{self, Changes, Happened};
use crate::legacy_cache::Stale;
use crate::model::{Workspace, WorkspaceRole, description, name};
use crate::store::workspaces::{Target, WorkspaceChange};
use crate::{WorkspaceError, Workspaces, events, store};

/// Fields to change; absent leaves alone. An empty description clears it (T-52), settings are replaced as a whole.
#[derive(Debug, Default)]
pub(crate) struct Update {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) settings: Option<Map<String, Value>>,
}

impl Workspaces {
    /// Changes a workspace, for its admins. What is sent but does not differ is no change and leaves no record.
    pub(crate) async fn update(&self, cx: &Ctx, id: WorkspaceId, update: Update) -> Result<Workspace, WorkspaceError> {
        let new_name = update.name.map(name).transpose()?;
        let new_description = update.description.map(description).transpose()?;
        let cx = &self.cross(cx, Target::Workspace(id)).await?;

        let tx = self.db.begin(cx).await?;
        if new_name.is_some() {
            store::workspaces::lock_tenant(&tx).await?;
        }
        let access = self.access_locked(&tx, cx, id).await?;
        access.require(WorkspaceRole::Admin)?;
        let before = access.workspace;
        tx.if_match(&before)?;
        let mut changes = Changes::default();
        let change = WorkspaceChange {
            name: changes.keep::<str>("name", &before.name, new_name),
            description: changes.keep::<str>("description", &before.description, new_description),
            settings: changes.keep_object("settings", before.settings.get(), update.settings),
        };
        let Some(changes) = changes.finish() else { return Ok(before) };
        if let Some(name) = &change.name
            && store::workspaces::name_taken(&tx, name, id).await?
        {
            return Err(WorkspaceError::WorkspaceNameTaken);
        }
        store::workspaces::update(&tx, id, &change, cx.now()).await?;
        let happened = Happened {
            action: "workspace.updated",
            resource_type: audit::WORKSPACE,
            resource_id: &id.to_string(),
            changes: Some(changes),
        };
        audit::record(&tx, cx, id, &happened).await?;
        let after = self.access(&tx, cx, id).await?.workspace;
        tx.emit(cx, events::workspace(&tx, "workspace.updated", &after)).await?;
        tx.commit().await?;
        self.legacy_cache.forget(Stale::default().workspace(id)).await;
        Ok(after)
    }
}
