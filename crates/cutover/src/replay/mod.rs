//! Full rollback: the backup in a new database, every change since put on top of it, and then that database in place of
//! the live one. Whatever was acknowledged is in it; what the new program added is not.
//!
//! ```text
//! restore-beside   the verified backup into a new database
//! replay           the change log, in batches, until the copy is less than a second behind
//! switch-database  writers wait; the rest; every table compared; both databases change their names at once
//! ```
//!
//! `verify`, a step of every run, does the first two with the scratch database and compares what the live one holds at one
//! moment: nobody waits, and nothing is switched.
//!
//! Invariants:
//! - Each batch and the note how far it went are one transaction of the copy: nothing is applied twice, nothing left out.
//! - A change that finds no row, or more than one, stops everything. So does a table that differs at the end.
//! - The live database is only read until the names change, and is kept afterwards.
//! - Whoever is killed leaves the live database in use, or is at the one moment when both refuse connections: the next
//!   command, or [`mend`], ends that.
//!
//! Why the order of numbers is the right one: `docs/adr/0016-change-log-and-full-rollback.md`.

mod apply;
mod carry;
mod compare;
mod follow;
mod position;
mod restore;
mod step;
mod switch;
mod tables;
mod until;
mod verify;

use crate::run::Step;

pub use self::follow::{Round, round};
pub use self::position::Position;
pub use self::restore::Beside;
pub(crate) use self::restore::switched as is_back;
pub use self::step::Replay;
pub use self::switch::{SWITCH, Switch, mend, roll_forward};
pub use self::until::Until;
pub use self::verify::Verify;

/// What whoever goes back in full chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Up to which moment, where the live rows are damaged. All of it otherwise, and compared with the live rows.
    pub until: Option<Until>,
    /// What appeared since the backup and may stay behind, as `schema.table` or `schema.table.column`.
    pub without: Vec<String>,
}

/// The steps up to a copy that is less than a second behind.
pub fn preparation(choice: &Choice) -> Vec<Box<dyn Step>> {
    vec![Box::new(Beside::new(choice.clone())), Box::new(Replay::new(choice.clone()))]
}

/// All of them.
pub fn steps(choice: &Choice) -> Vec<Box<dyn Step>> {
    let mut all = preparation(choice);
    all.push(Box::new(Switch::new(choice.clone())));
    all
}
