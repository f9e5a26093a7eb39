//! The take-over on a real PostgreSQL: digests, backups, locks, and a tool that is killed.

#![expect(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod cleanup;
mod config;
mod crash;
mod digest;
mod discover;
mod expand;
mod lock;
mod preflight;
mod restore;
mod shift;
mod soak;
mod support;
