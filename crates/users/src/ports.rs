//! What this slice asks of others, wired in `platform`.

use db::{SystemTx, TenantTx, Tx};
use kernel::{Ctx, TenantId, UserId};
use web::BoxFuture;

/// The tenant a person brings into being by signing up alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpTenant {
    /// The new tenant's id.
    pub id: TenantId,
    /// Its name: what the person gave, or their own.
    pub name: String,
}

/// The seats of a tenant, as far as its plan bounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// How many the plan has.
    pub limit: i64,
    /// How many are held for people who are invited.
    pub invited: i64,
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

    /// The seats of the tenant, which nobody else can take until the transaction ends; `None` is no limit. Called
    /// before any other lock is taken.
    fn lock_seats<'a>(
        &'a self,
        tx: &'a Tx,
        cx: &'a Ctx,
        tenant: TenantId,
    ) -> BoxFuture<'a, Result<Option<Seats>, db::Error>>;
}

/// What people own in other slices.
pub trait Possessions: Send + Sync {
    /// Hands over what somebody owns who is about to be deleted, in the transaction that deletes them (T-55). Called
    /// before the account is locked.
    fn release<'a>(
        &'a self,
        tx: &'a TenantTx,
        cx: &'a Ctx,
        person: UserId,
    ) -> BoxFuture<'a, Result<Box<dyn HandedOver>, db::Error>>;
}

/// Possessions that were handed over in a transaction.
pub trait HandedOver: Send + Sync {
    /// Records it. Called before the commit and after every lock, because the trail's comes last.
    fn record<'a>(&'a self, tx: &'a TenantTx, cx: &'a Ctx) -> BoxFuture<'a, Result<(), db::Error>>;

    /// Called after the commit.
    fn committed(self: Box<Self>) -> BoxFuture<'static, ()>;
}
