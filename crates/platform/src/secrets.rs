//! The keys that sign access tokens and the audit trail.
//!
//! Outside production the first is made when nobody gave one, and kept, so that a restart signs nobody out.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use db::audit::AuditKey;
use kernel::{Redacted, Rng};

use crate::config::Config;

const FILE: &str = "jwt-secret";

/// `JWT_SECRET`, or the one kept in the data directory.
pub(crate) fn jwt_secret(config: &Config, rng: &dyn Rng) -> anyhow::Result<Redacted<String>> {
    match &config.jwt_secret {
        Some(secret) => Ok(secret.clone()),
        None if config.is_production() => bail!("JWT_SECRET is not set"),
        None => kept_in(&config.data_dir, rng),
    }
}

/// `AUDIT_KEY`. Without one it follows from the other key, which all replicas share too; the prefix keeps a signature of
/// the one from ever being one of the other.
pub(crate) fn audit_key(config: &Config, rng: &dyn Rng) -> anyhow::Result<AuditKey> {
    match &config.audit_key {
        Some(key) => Ok(AuditKey::new(key.expose().as_bytes())),
        None => Ok(AuditKey::new(format!("pyairtable audit trail\0{}", jwt_secret(config, rng)?.expose()))),
    }
}

/// Whether a start has kept a key in `data_dir`.
pub(crate) fn is_kept_in(data_dir: &Path) -> bool {
    data_dir.join(FILE).is_file()
}

/// The key kept in `data_dir`, made now if there is none.
fn kept_in(data_dir: &Path, rng: &dyn Rng) -> anyhow::Result<Redacted<String>> {
    let path = data_dir.join(FILE);
    fs::create_dir_all(data_dir).with_context(|| format!("cannot create {}", data_dir.display()))?;
    for _ in 0..2 {
        match fs::read_to_string(&path) {
            Ok(text) if text.len() >= 64 => return Ok(text.into()),
            Ok(_) => {
                // The program was killed while it made the file.
                fs::remove_file(&path).with_context(|| format!("cannot replace {}", path.display()))?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        match create(&path, rng) {
            // Another process was faster; its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.with_context(|| format!("cannot write {}", path.display())),
        }
    }
    bail!("{} changes while it is read: is another process starting on it?", path.display())
}

fn create(path: &Path, rng: &dyn Rng) -> io::Result<Redacted<String>> {
    use std::fmt::Write as _;
    let secret = rng.bytes::<32>().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    Ok(secret.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{FILE, kept_in};
    use crate::system::SystemRng;

    #[test]
    fn key_is_made_once_and_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = kept_in(directory.path(), &SystemRng).unwrap();
        assert_eq!(first, kept_in(directory.path(), &SystemRng).unwrap());
        assert_eq!(first.expose().len(), 64);
        let mode = std::fs::metadata(directory.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn half_written_key_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join(FILE), "0123").unwrap();
        assert_eq!(kept_in(directory.path(), &SystemRng).unwrap().expose().len(), 64);
    }
}
