//! The program tested as its clients and operators see it, on a real PostgreSQL.

#![expect(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod coverage;
mod durability;
mod fixtures;
mod fuzz;
mod isolation;
mod process;
mod readme;
mod serve;
mod statements;
mod support;
mod tenants;
mod users;
