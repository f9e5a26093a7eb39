//! Everybody is on the new side, and somebody goes on looking: every hour, for 48 hours, with the old services warm.
//!
//! Invariants:
//! - Time counts from the record of the journal that says when everybody was safe on the new side, not from when this
//!   tool was started. It may be stopped and gone on with, or be called by a timer.
//! - Each check is a note in the journal, with what it found. One that finds a difference ends the tool, loudly.
//! - What was never looked at is not good: a day without old services counts only if somebody looked all day.
//!
//! Deliberately absent: digests of rows. Both sides may write, so rows are held by rules that have to stay true, by
//! counts that may not fall, and by the backup that stays whole.

mod beginning;
mod check;
mod quiet;
mod rows;
mod sessions;
mod step;

pub use self::quiet::Quiet;
pub use self::sessions::{Seen, Sightings};
pub use self::step::Soak;

/// What is done while there is nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Wait.
    Wait,
    /// End and say when to come again: for timers.
    Once,
    /// Refuse: it should have been over.
    Refuse,
}
