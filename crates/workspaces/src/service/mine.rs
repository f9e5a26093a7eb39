//! The workspaces a person works in.

use kernel::Ctx;

use super::access::{caller_in_tenant, is_homeless};
use crate::model::Workspace;
use crate::{WorkspaceError, Workspaces, store};

impl Workspaces {
    /// All live workspaces the caller is a member of, newest first. They are few: the tenant's limit bounds them.
    pub(crate) async fn mine(&self, cx: &Ctx) -> Result<Vec<Workspace>, WorkspaceError> {
        let caller = caller_in_tenant(cx)?;
        if is_homeless(cx) {
            return Ok(Vec::new());
        }
        let tx = self.db.read(cx).await?;
        let seen = store::workspaces::mine(&tx, &caller).await?;
        Ok(seen.into_iter().map(|seen| seen.workspace).collect())
    }
}
