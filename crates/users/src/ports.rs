//! What this slice asks of others, wired in `platform`.

use db::SystemTx;
use kernel::{Ctx, TenantId};
use web::BoxFuture;

/// The tenant a person brings into being by signing up alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpTenant {
    /// The new tenant's id.
    pub id: TenantId,
    /// Its name: what the person gave, or their own.
    pub name: String,
}

/// Tenants, as far as people need them.
pub trait TenantDirectory: Send + Sync {
    /// Creates an active tenant on the free plan within the caller's transaction.
    fn create_for_sign_up<'a>(
        &'a self,
        tx: &'a SystemTx,
        cx: &'a Ctx,
        tenant: &'a SignUpTenant,
    ) -> BoxFuture<'a, Result<(), db::Error>>;

    /// Whether the tenant's status keeps its people out, whatever their accounts say (T-54).
    fn is_closed<'a>(&'a self, tx: &'a SystemTx, tenant: TenantId) -> BoxFuture<'a, Result<bool, db::Error>>;
}
