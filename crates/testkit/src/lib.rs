//! For tests only: a real PostgreSQL with a database per test, seeded randomness, and an HTTP client that talks to a
//! router in process.

#![expect(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::return_self_not_must_use,
    reason = "a test fails by panicking, and its helpers with it"
)]

mod client;
mod database;
pub mod legacy;
pub mod port;
mod redis;
mod rewriter;
mod rng;
pub mod schema;

pub use client::{Answer, Client, Request};
pub use database::TestDb;
pub use redis::TestRedis;
pub use rewriter::Rewriter;
pub use rng::SeededRng;
