//! The program tested as its clients and operators see it, on a real PostgreSQL.

#![expect(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod check_config;
mod cli;
mod command;
mod config;
mod durability;
mod edges;
mod fixtures;
mod lifecycle;
mod openapi;
mod process;
mod production;
mod readme;
mod serve;
mod site;
mod support;
mod surface;
mod users;
