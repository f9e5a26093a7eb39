//! The gateway: stands in front of the old services and the new one and moves traffic between them.
//!
//! Invariants:
//! - The side of a request depends on the table and the request only ([`decide`]).
//! - Whoever is on the new side stays there while the share grows ([`split`]).
//! - What a client says about who it is never reaches a service, unless a token proves it ([`identity`]).
//! - A share above the safe one holds only while somebody renews its lease ([`control::state`]).
//! - A connection of a client stays on one thread, and so does everything its requests need ([`Gateway`], `worker`).
//!
//! Clients speak HTTP/1.1, or HTTP/2 without asking first (h2c with prior knowledge); services what their group says.
//! - Whoever changes something says who they are and why, over the socket and the admin port alike ([`control::socket`]).
//!
//! Deliberately absent: PostgreSQL, Redis and everything that needs them. This is what the way back goes through. TLS
//! ends at the proxy in front.

pub mod admin;
pub mod control;
pub mod counters;
pub mod decide;
pub mod forced;
pub mod gates;
mod gateway;
pub mod haproxy;
pub mod identity;
mod known;
mod live;
pub mod print;
mod proxy;
mod reload;
pub mod routes;
pub mod shadow;
pub mod split;
mod upstream;
mod worker;

pub use gateway::{Gateway, Parts};
pub use proxy::{Bound, bind};
pub use reload::LastReload;
pub use upstream::health::Condition;
