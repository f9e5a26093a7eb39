//! Asking a run to wait, from another terminal: a file in its folder.

use std::fs;
use std::io;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Folder;
use crate::{Error, Result, files};

/// Why a run waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when.
    pub at: Timestamp,
    /// What whoever asked gave as the reason.
    pub why: String,
}

/// Asks the run in `folder` to wait at the next possible moment.
pub fn pause(folder: &Folder, request: &Pause) -> Result<()> {
    files::replace_json(&folder.pause(), request)
}

/// Lets it go on. Whether it had been asked to wait.
pub fn unpause(folder: &Folder) -> Result<bool> {
    let path = folder.pause();
    match fs::remove_file(&path) {
        Ok(()) => files::sync_parent(&path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::file("remove", &path)(error)),
    }
}

/// Whether somebody wants the run to wait. An unreadable request is one all the same.
pub(super) fn asked(folder: &Folder) -> Option<Pause> {
    let path = folder.pause();
    if !path.exists() {
        return None;
    }
    let unknown = || Pause { at: Timestamp::UNIX_EPOCH, why: format!("{} exists", path.display()) };
    Some(files::read_json(&path).ok().flatten().unwrap_or_else(unknown))
}
