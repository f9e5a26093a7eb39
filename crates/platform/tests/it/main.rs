//! The program tested as its clients and operators see it, on a real PostgreSQL.

#![expect(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::format_collect, clippy::format_push_string, reason = "inputs are made once, however slowly")]

mod audit;
mod bad_input;
mod belongings;
mod browser;
mod certificates;
mod check_config;
mod cli;
mod coexistence;
mod command;
mod config;
mod contracted;
mod coverage;
mod cutover;
mod docs;
mod durability;
mod edges;
mod etags;
mod fixtures;
mod fuzz;
mod gateway;
mod gateway_admin;
mod gateway_page;
mod gateway_top;
mod idempotency;
mod isolation;
mod lifecycle;
mod limits;
mod migrations;
mod notifications;
mod openapi;
mod own_gateway;
mod parity;
mod process;
mod production;
mod readme;
mod serve;
mod site;
mod statements;
mod support;
mod surface;
mod tenants;
mod users;
mod workspaces;
