//! From the environment of five services to that of one.
//!
//! Secrets are compared and never shown: what is printed of them is a fingerprint with a salt of this one output, so that
//! equal ones look equal and nobody can try passwords against it.

mod collect;
mod compose;
mod dotenv;
mod key;
mod merge;
mod step;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::Redacted;

pub use self::collect::collect;
pub use self::key::Key;
pub use self::merge::{Chosen, Merged, Setting, Written, merge};
pub use self::step::Environment;

/// What one old service was started with.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Where its settings stand.
    pub source: PathBuf,
    /// All of them, by their old names.
    pub values: BTreeMap<String, Redacted<String>>,
}
