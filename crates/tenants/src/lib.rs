//! Organisations: whom people and workspaces belong to. Replaces tenant-service, of which no code exists; its shapes and
//! rules are the domain model's.
//!
//! Invariants:
//! - A slug names one tenant; held by the unique key.
//! - Old registrations left tenant ids without a row (T-53): a missing row reads as an active tenant on the free plan.

mod model;
mod store;

use db::SystemTx;
use kernel::{Ctx, TenantId};

pub use store::STATEMENTS;

/// Creates an active tenant on the free plan in the caller's transaction: what a person who signs up alone founds.
pub async fn create_for_sign_up(tx: &SystemTx, cx: &Ctx, id: TenantId, name: &str) -> Result<(), db::Error> {
    let slug = model::unique_slug(name, id);
    store::insert(tx, id, name, &slug, cx.now()).await
}
