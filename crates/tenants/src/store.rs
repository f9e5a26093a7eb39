//! All SQL about tenants. `timestamptz` parameters come from the context's clock.

use db::{SystemTx, statements};
use kernel::TenantId;

statements! {
    INSERT = "INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)";
}

pub(crate) async fn insert(
    tx: &SystemTx,
    id: TenantId,
    name: &str,
    slug: &str,
    now: jiff::Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&INSERT, &[&id.0, &name, &slug, &now]).await
}
