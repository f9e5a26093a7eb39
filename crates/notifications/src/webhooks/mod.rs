//! Telling machines: what may be posted to, how it is signed, and the posting itself. Nothing here knows the database.

mod client;
mod guard;
mod schedule;
mod signature;

pub use client::{Answer, Client, Resolver, SystemResolver};
pub use guard::{Guard, Target};
pub(crate) use schedule::{asked, next_attempt, wait};
pub(crate) use signature::{Secret, headers};
