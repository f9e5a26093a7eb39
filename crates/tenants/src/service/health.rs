//! Can the slice do its work?

use crate::{TenantError, Tenants, store};

impl Tenants {
    /// Reads from the slice's own tables.
    pub async fn health(&self) -> Result<(), TenantError> {
        let tx = self.db.read_system("a health check belongs to no tenant").await?;
        Ok(store::probe(&tx).await?)
    }
}
