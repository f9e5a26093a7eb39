//! The gateway: stands in front of the old services and the new one and moves traffic between them.
//!
//! Invariants:
//! - The side of a request depends on the table and the request only ([`decide`]).
//! - Whoever is on the new side stays there while the share grows ([`split`]).
//! - What a client says about who it is never reaches a service, unless a token proves it ([`identity`]).
//!
//! Deliberately absent: PostgreSQL, Redis and everything that needs them. This is what the way back goes through.

pub mod decide;
pub mod forced;
pub mod identity;
pub mod routes;
pub mod split;
