//! PostgreSQL: the pools, tenant and system transactions, migrations, and the private local server.
//!
//! Invariants held here:
//! - A slice can run only statements declared with [`statements!`], so one test can prepare them all.
//! - A [`TenantTx`] sees the rows of one tenant: its connections run as the role `pyairtable_app`, to which a
//!   restrictive row-level security policy applies on every tenant table.
//! - A [`SystemTx`] sees all tenants. It is rare; each use names its reason.
//!
//! Deliberately absent: any knowledge of a slice's tables beyond the migrations themselves.

pub mod audit;
mod config;
mod error;
pub mod events;
pub mod idempotency;
pub mod jobs;
mod libpq;
pub mod list;
pub mod listen;
pub mod local;
pub mod migrate;
mod pool;
mod sql;
mod tls;
mod tx;

pub use config::{DatabaseUrl, PoolLimits};
pub use error::Error;
pub use pool::Db;
pub use sql::{FromRow, Sql, get};
pub use tokio_postgres::Row;
pub use tokio_postgres::types::ToSql;
pub use tx::{SystemTx, TenantTx, Tx};

/// The name operators filter `pg_stat_activity` on.
pub const APPLICATION_NAME: &str = "pyairtable-platform";
/// The same of a program that serves beside the old services (`LEGACY_COEXISTENCE`).
pub const COEXISTING_NAME: &str = "pyairtable-platform coexisting";
/// The role tenant transactions run as: owns nothing, cannot bypass row-level security.
pub const APP_ROLE: &str = "pyairtable_app";
/// The role system transactions run as: sees all tenants, owns nothing.
pub const SYSTEM_ROLE: &str = "pyairtable_system";
