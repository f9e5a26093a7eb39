//! The steps of a take-over on real databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod expand;
