//! The lock that makes one process the manager of a directory.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use super::{LocalError, layout::NO_LINKS};

/// Held as long as it lives; the kernel lets go when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock(File);

/// A process that is being forked has a copy of the lock until it executes its program. If its parent is killed just
/// then, the lock is taken for that moment although nobody uses the directory.
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(5);

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
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    let holder = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                    return Err(LocalError::Locked { directory: directory.to_owned(), holder });
                }
                Err(TryLockError::Error(error)) => return Err(LocalError::io("lock", path)(error)),
            }
        }
        // Only for the message above: the lock, not the number, decides.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", process::id()))
            .map_err(LocalError::io("write", path))?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave it with any child that is just being forked. Failing, it ends with that child.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::{Lock, PATIENCE};
    use crate::local::LocalError;

    #[test]
    fn dropped_lock_is_free_although_a_copy_is_open() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::take(&path, directory.path()).unwrap();
        let copy = lock.0.try_clone().unwrap();
        drop(lock);
        Lock::take(&path, directory.path()).unwrap();
        drop(copy);
    }

    #[test]
    fn copy_that_outlives_a_killed_holder_is_waited_for() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("lock");
        let lock = Lock::take(&path, directory.path()).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(PATIENCE / 4);
                drop(lock);
            });
            Lock::take(&path, directory.path()).unwrap();
        });
    }

    #[test]
    fn held_lock_is_refused_with_the_holder() {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("lock");
        let _lock = Lock::take(&path, directory.path()).unwrap();
        let error = Lock::take(&path, directory.path()).unwrap_err();
        assert!(
            matches!(error, LocalError::Locked { holder: Some(pid), .. } if pid == std::process::id()),
            "{error:?}"
        );
    }
}
