//! The report of a run: one file that is sent to whoever decides, and kept by whoever audits.
//!
//! [`read`] makes it out of the run's folder alone (journal, plan, discovery, manifest, trial, series and what commands
//! kept beside them), so it can be made while the run goes on, after it, and of a copy of the folder elsewhere. The
//! same folder gives the same report but for the time it was made. [`Report`] is the model and is written as JSON;
//! Markdown and HTML show it. The HTML needs no network and no script, and its policy forbids both.
//!
//! Deliberately absent: a database, the gateway, and anything about people. Rows that differ are counted, not named, and
//! what looks like a secret is taken out of every text.

mod attempts;
mod gather;
mod html;
pub mod kept;
mod markdown;
mod model;
mod redact;
pub mod rehearsal;
mod scale;
mod timeline;
mod traffic;
mod verdict;
mod words;
mod write;

pub use gather::read;
pub use html::{Now, html, live};
pub use markdown::markdown;
pub use model::*;
pub use rehearsal::Rehearsal;
pub use write::{Checked, Format, check, write};
