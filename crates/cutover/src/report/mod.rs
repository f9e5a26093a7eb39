//! The report of a run.

pub mod rehearsal;

pub use rehearsal::Rehearsal;
