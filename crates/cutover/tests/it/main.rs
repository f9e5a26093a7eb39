//! The take-over on a real PostgreSQL: digests, backups, locks, and a tool that is killed.

#![expect(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod checks;
mod cleanup;
mod config;
mod crash;
mod digest;
mod discover;
mod expand;
mod full_rollback;
mod lock;
mod parity;
mod preflight;
mod report;
mod restore;
mod shift;
mod soak;
mod support;
