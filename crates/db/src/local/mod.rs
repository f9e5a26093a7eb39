//! A private PostgreSQL for one directory: what serves when no `DATABASE_URL` is given, and what the tests run on.
//!
//! Invariants:
//! - One process at a time manages a directory; an `flock` holds this, not a convention about ports or pid files.
//! - The server listens on a unix socket in a directory of mode 0700 and nowhere else, which is why it may trust
//!   whoever reaches it.
//! - The server does not outlive its manager: not after a panic, not after `kill -9` (Linux; elsewhere the next start
//!   stops the orphan first).
//! - A directory is either initialised completely or not at all.
//!
//! Deliberately absent: downloading PostgreSQL, upgrading a data directory to another major, TCP, Windows. Why it is
//! done this way: `docs/adr/0004-local-postgresql.md`.
//!
//! Everything here blocks. From async code, call it inside `tokio::task::spawn_blocking`:
//!
//! ```no_run
//! # use pyairtable_db::local::{Durability, LocalError, LocalPostgres, Options};
//! # async fn example() -> Result<(), LocalError> {
//! let options = Options::new("/var/lib/pyairtable", Durability::Durable);
//! let server = tokio::task::spawn_blocking(move || LocalPostgres::start(&options)).await.unwrap()?;
//! let config = server.config();
//! // ... serve ...
//! tokio::task::spawn_blocking(move || server.stop()).await.unwrap()
//! # }
//! ```

mod binaries;
mod cluster;
mod error;
mod keeper;
mod launch;
mod layout;
mod lock;
mod options;
mod quit;
mod server;
mod stale;

// They look into /proc.
#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;

pub use error::LocalError;
pub use options::{Durability, Options};
pub use server::LocalPostgres;
