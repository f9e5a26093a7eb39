//! The take-over of a running deployment as one run: resumable, verified, and with a way back from every step.
//!
//! Invariants held here:
//! - What a step is about to do is in the [`journal`] and on disk before it is done.
//! - A step may be begun any number of times. Whether it is done is asked of the database and the files, not of the
//!   journal, so a journal that lost its end costs time and nothing else.
//! - One tool works on a database at a time ([`run::Lock`]); one that was stopped and comes back writes nothing more.
//! - A backup is used by nothing before every byte of it was compared with its manifest.
//!
//! Deliberately absent: slices, the command line, and HTTP but for the requests that [`parity`] replays. Here are the steps and what they stand on; the commands are
//! in `platform/src/command/cutover/`.

pub mod backup;
pub mod capture;
pub mod cleanup;
pub mod config;
pub mod digest;
pub mod discover;
mod error;
mod exit;
pub mod expand;
pub mod files;
pub mod journal;
pub mod parity;
pub mod preflight;
pub mod replay;
pub mod report;
pub mod run;
pub mod shadow;
pub mod shift;
pub mod soak;
pub mod steps;

pub use error::{Error, Result};
pub use exit::Exit;
