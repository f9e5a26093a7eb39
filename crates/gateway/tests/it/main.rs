//! The gateway over real sockets, in front of real servers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail; the helpers here are such code too")]

mod admin;
mod control;
mod counters;
mod faulty;
mod gates;
mod haproxy;
mod headers;
mod http2;
mod instances;
mod load;
mod nginx;
mod print;
mod reload;
mod shadow;
mod slow;
mod streams;
mod support;
mod weights;
