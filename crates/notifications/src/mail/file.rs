//! Mails as files, for whoever develops: every mail reader opens them.

use std::fs::{DirBuilder, OpenOptions, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use super::Failure;

/// Writes one; names sort by time. A mail that was written before is written over.
pub(super) async fn write(directory: &Path, at: Timestamp, id: Uuid, mail: Vec<u8>) -> Result<(), Failure> {
    let (directory, name) = (directory.to_owned(), format!("{}-{id}.eml", at.strftime("%Y%m%dT%H%M%SZ")));
    let written = tokio::task::spawn_blocking(move || -> io::Result<()> {
        // Invitations are in them.
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        let unfinished = directory.join(format!(".{name}"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&mail)?;
        rename(unfinished, directory.join(name))
    });
    match written.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::for_now(&error)),
        Err(error) => Err(Failure::for_now(&error)),
    }
}
