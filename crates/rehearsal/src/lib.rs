//! A take-over tried out: load on a deployment while it is taken over, and the proof that nothing was lost.
//!
//! Invariants:
//! - A request has an intended start, whatever became of those before it ([`load`]), so that a service that hangs shows
//!   in all the waiting it causes.
//! - What a service acknowledged is written down before the next request of the same object is sent ([`ledger`]).
//! - The tables have the last word: nothing that was acknowledged may be missing from them or be there twice
//!   ([`reconcile`]).

pub mod clean;
pub mod document;
pub mod faults;
pub mod killed;
pub mod ledger;
pub mod load;
pub mod naive;
pub mod outcome;
pub mod reconcile;
pub mod scenario;
pub mod stage;
pub mod world;
