//! Organisations: whom people and workspaces belong to. Replaces tenant-service, of which no code exists; its shapes and
//! rules are the domain model's.
//!
//! Invariants:
//! - A slug and a domain name one tenant; held by the unique keys. A deleted tenant keeps its slug: an address that
//!   once led to one organisation never leads to another.
//! - Old registrations left tenant ids without a row (T-53): a missing row reads as an active tenant on the free plan,
//!   and is made by a job, or earlier the first time the tenant is changed.
//! - Suspending switches the tenant's people off in the same transaction, and reactivating switches on exactly those who
//!   were on (T-54).
//! - One pending invitation an address and tenant; held by a partial unique index. A token is stored as its SHA-256 only.
//! - Members and pending invitations together stay within the seats of the plan; held by a lock on the tenant. While old
//!   services run their quotas hold instead (T-48) and seats are advisory.
//! - Every change writes one audit record in its own transaction.
//!
//! Deliberately absent: people themselves (see [`People`]), workspaces, the sending of invitations, payment. Plans say
//! what is allowed; nothing here charges for them.

mod error;
mod events;
mod http;
mod model;
mod ports;
mod service;
mod store;

use std::sync::Arc;

use db::list::List;
use db::{Db, SystemTx, TenantTx, Tx};
use jiff::Timestamp;
use kernel::{Ctx, TenantId};

pub use error::{ClosedInvitation, TenantError, TenantStatus};
pub use http::{ALIASES, routes};
pub use ports::{Applicant, Headcount, LogIn, NewPerson, People, Person};

/// Every statement the slice can run, fixed and built, for the test that prepares them all.
pub fn statements() -> Vec<db::Sql> {
    let fixed = [store::STATEMENTS, store::invitations::STATEMENTS, store::workspaces::STATEMENTS];
    let lists = [&store::list::LIST, &store::invitations::LIST];
    fixed.concat().into_iter().chain(lists.into_iter().flat_map(List::statements)).collect()
}

/// What the slice needs to know.
pub struct TenantsConfig {
    /// Whether old services run beside this program on the same data.
    pub coexistence: bool,
    /// The people of the tenants.
    pub people: Arc<dyn People>,
}

/// The slice.
pub struct Tenants {
    db: Db,
    people: Arc<dyn People>,
    coexistence: bool,
}

impl Tenants {
    /// Puts the slice together.
    pub fn new(db: Db, config: TenantsConfig) -> Arc<Self> {
        let TenantsConfig { coexistence, people } = config;
        Arc::new(Self { db, people, coexistence })
    }
}

/// Creates an active tenant on the free plan in the caller's transaction: what a person who signs up alone founds.
pub async fn create_for_sign_up(tx: &SystemTx, cx: &Ctx, id: TenantId, name: &str) -> Result<(), db::Error> {
    let slug = model::unique_slug(name, id);
    let subscription = model::Subscription::trial(cx.now()).to_stored();
    let new = store::NewTenant {
        id,
        name,
        slug: slug.as_str(),
        domain: None,
        plan: model::Plan::Free.as_str(),
        settings: "{}",
        subscription: &subscription,
    };
    store::insert(tx, &new, cx.now()).await
}

/// Whether the tenant's status keeps its people out, whatever their accounts say (T-54).
pub async fn is_closed(tx: &Tx, id: TenantId) -> Result<bool, db::Error> {
    store::is_closed(tx, id).await
}

/// Those of `tenants` whose status keeps their people out.
pub async fn closed(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<TenantId>, db::Error> {
    store::closed(tx, tenants).await
}

/// The seats of a tenant, as far as its plan bounds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// How many the plan has.
    pub limit: i64,
    /// How many pending invitations hold one.
    pub invited: i64,
}

/// The seats of a tenant, which nobody else can take until the transaction ends; `None` is no limit. Call it before any
/// other lock is taken.
pub async fn lock_seats(tx: &Tx, id: TenantId, now: Timestamp) -> Result<Option<Seats>, db::Error> {
    store::lock(tx, id).await?;
    let tenant = store::find(tx, id).await?.unwrap_or_else(|| model::Tenant::without_row(id));
    let limit = tenant.limits.users;
    if limit < 0 {
        return Ok(None);
    }
    let invited = store::invitations::count_pending(tx, id, None, now).await?;
    Ok(Some(Seats { limit, invited }))
}

/// How many live workspaces the plan of the transaction's tenant allows; `None` is no limit. A tenant without a row is
/// on the free plan (T-53), and one that was closed while a request was under way gets no more.
pub async fn max_workspaces(tx: &TenantTx) -> Result<Option<i64>, db::Error> {
    let found = store::find(tx, tx.tenant()).await?;
    let tenant = found.unwrap_or_else(|| model::Tenant::without_row(tx.tenant()));
    let limit = if tenant.is_active { tenant.limits.workspaces } else { 0 };
    Ok((limit >= 0).then_some(limit))
}
