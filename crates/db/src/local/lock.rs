//! The lock that makes one process the manager of a directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process,
};

use super::{LocalError, layout::NO_LINKS};

/// Held as long as it lives; the kernel lets go when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock or says who has it.
    pub(super) fn take(path: &Path, directory: &Path) -> Result<Self, LocalError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(NO_LINKS)
            .open(path)
            .map_err(LocalError::io("open", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(LocalError::Locked { directory: directory.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => return Err(LocalError::io("lock", path)(error)),
        }
        // Only for the message above: the lock, not the number, decides.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(LocalError::io("write", path))?;
        Ok(Self { _file: file })
    }
}
