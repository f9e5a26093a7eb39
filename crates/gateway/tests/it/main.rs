//! The gateway over real sockets, in front of real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail; the helpers here are such code too")]

mod control;
mod haproxy;
mod headers;
mod instances;
mod load;
mod nginx;
mod print;
mod reload;
mod streams;
mod support;
mod weights;
