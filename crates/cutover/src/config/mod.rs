//! From the environment of five services to that of one.

mod key;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::Redacted;

pub use self::key::Key;

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
