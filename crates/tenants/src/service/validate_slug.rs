//! Is a slug free? Asked by sign-up forms, by anybody.

use crate::model::Slug;
use crate::{TenantError, Tenants, store};

impl Tenants {
    /// Whether a tenant could be created with `slug`: it obeys the rules and nobody has it. Only the answer to the
    /// creation itself is binding.
    pub(crate) async fn slug_is_available(&self, slug: &str) -> Result<bool, TenantError> {
        let Ok(slug) = slug.parse::<Slug>() else { return Ok(false) };
        let tx = self.db.read_system("whoever signs up has no tenant yet").await?;
        Ok(!store::slug_exists(&tx, slug.as_str()).await?)
    }
}
