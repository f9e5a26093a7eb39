//! Can the slice do its work?

use crate::{WorkspaceError, Workspaces, store};

impl Workspaces {
    /// Reads from the slice's own tables.
    pub async fn health(&self) -> Result<(), WorkspaceError> {
        let tx = self.db.read_system("a health check belongs to no tenant").await?;
        Ok(store::workspaces::probe(&tx).await?)
    }
}
