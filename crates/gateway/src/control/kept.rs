//! What outlives the gateway: the confirmed shares, and what is frozen. A restart must not send people back who were
//! moved for good, nor keep those who were there on lease.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::split::Share;

/// What is kept of one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The confirmed share.
    pub safe: Share,
    /// Whether it may change.
    pub frozen: bool,
}

/// The file, replaced as a whole.
#[derive(Debug)]
pub(crate) struct Keeper {
    file: PathBuf,
    written: BTreeMap<String, Kept>,
}

impl Keeper {
    /// Reads `file`, if there is one.
    pub(crate) fn open(file: PathBuf) -> io::Result<Self> {
        let written = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| {
                let file = file.display();
                let what = format!("{file} cannot be read ({error}): remove it to begin with nobody on the new side");
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, written })
    }

    pub(crate) fn families(&self) -> &BTreeMap<String, Kept> {
        &self.written
    }

    /// Writes what changed. Failing to is logged and stops nothing: going back must work on a full disk.
    pub(crate) fn keep(&mut self, families: BTreeMap<String, Kept>) {
        if self.written == families {
            return;
        }
        match write(&self.file, &families) {
            Ok(()) => self.written = families,
            Err(error) => {
                tracing::error!(file = %self.file.display(), %error, "confirmed shares are in force but not kept");
            }
        }
    }
}

fn write(file: &Path, families: &BTreeMap<String, Kept>) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut new = File::create(&beside)?;
    new.write_all(&serde_json::to_vec_pretty(families)?)?;
    new.sync_all()?;
    fs::rename(&beside, file)?;
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(directory)?.sync_all()
}
