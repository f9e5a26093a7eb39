//! Files that HAProxy reads when it starts, replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};

/// Nobody but HAProxy reads it, and only when it starts, so it need not survive a loss of power.
pub(super) fn replace(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, file)
}
