//! Workspaces, their members, projects and connected bases, and the trail of what happened to them. Replaces
//! workspace-service.
//!
//! Invariants:
//! - A live workspace has an owner, who is not deleted: a person's deletion hands their workspaces over (T-55).
//!   Deletions and whatever makes somebody an owner wait for each other at the tenant's lock. Whatever takes an owner away holds the workspace's row lock while it counts the
//!   others; the old schema's trigger may say the same, or be missing (T-46).
//! - A tenant has no more live workspaces than its limit, and no two of one name: both are looked up and written under
//!   an advisory lock of the tenant (T-47, T-49). Projects, members and bases are counted and looked up under the row
//!   lock of what they belong to.
//! - A person is a member of a workspace at most once.
//! - Every change writes exactly one row of `workspace_audit_logs` in its own transaction, and its seal beside it (T-62).
//! - Rows another tenant owns do not exist, whoever asks: 404 by path, an empty list by query, 403 by body (T-16).
//!
//! Who may do what follows from the role in the workspace. A tenant's `admin` counts as workspace admin in every
//! workspace of the tenant, a `super_admin` and a service with the internal key as owner; membership can only raise
//! that. Super admins reach the workspaces of all tenants.
//!
//! Archiving is deleting that takes live projects along; both set `deleted_at`, which the old service honours, and
//! restoring undoes either. Rows are never removed: the old schema's triggers would not let them go (T-50).
//!
//! What `LEGACY_COEXISTENCE` changes here: the limit of workspaces ([`LEGACY_WORKSPACES`] instead of the plan's, T-48)
//! and whether the old service's cache entries are deleted ([`legacy_cache`]).
//!
//! Deliberately absent: people and plans (see [`People`], [`TenantLimits`]), and the contents of Airtable bases.

mod error;
mod events;
mod http;
mod legacy_cache;
mod model;
mod ports;
mod service;
mod store;

use std::sync::Arc;

use db::Db;

pub use error::WorkspaceError;
pub use http::{ALIASES, routes};
pub use model::{AirtableBase, AuditLog, Member, Project, Workspace, WorkspaceRole};
pub use ports::{People, PersonCard, Present, TenantLimits};
pub use service::release::Departure;
pub use store::audit::{TRAIL, unsealed};
pub use store::members::of_live as members;
pub use store::statements;

use crate::legacy_cache::LegacyCache;

/// The old service's limit of live workspaces a tenant, in its code and in its trigger; both sides must agree while it
/// runs.
pub const LEGACY_WORKSPACES: i64 = 10;
/// The limit of live projects a workspace; the old service's, and the only one there is.
pub const MAX_PROJECTS: i64 = 50;

/// What the slice needs to know.
pub struct WorkspacesConfig {
    /// Whether old services run beside this program on the same data.
    pub coexistence: bool,
    /// The Redis the old services share.
    pub redis: Option<redis::aio::ConnectionManager>,
    /// Knows who belongs to a tenant.
    pub people: Arc<dyn People>,
    /// Knows what a tenant's plan allows.
    pub limits: Arc<dyn TenantLimits>,
}

/// The slice.
pub struct Workspaces {
    db: Db,
    legacy_cache: LegacyCache,
    people: Arc<dyn People>,
    limits: Arc<dyn TenantLimits>,
    coexistence: bool,
}

impl Workspaces {
    /// Puts the slice together.
    pub fn new(db: Db, config: WorkspacesConfig) -> Arc<Self> {
        let WorkspacesConfig { coexistence, redis, people, limits } = config;
        let legacy_cache = LegacyCache::new(redis.filter(|_| coexistence));
        Arc::new(Self { db, legacy_cache, people, limits, coexistence })
    }
}
