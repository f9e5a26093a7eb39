//! Telling machines: what may be posted to, how it is signed, and the posting itself. Nothing here knows the database.

mod client;
mod guard;
mod schedule;
mod signature;

pub use client::{Client, Resolver, SystemResolver};
pub use guard::{Guard, Target};
pub(crate) use schedule::wait;
pub(crate) use signature::{Secret, headers};
