//! Putting everything back as it was: contents, links, modes, owners, times.
//!
//! It may be begun any number of times, also when only a part had been removed. What somebody put in its place meanwhile
//! is not written over.

use std::fs::{self, File, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, lchown, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::archived::{each, verify};
use super::tree::{Entry, Kind, Tree, there};
use crate::{Error, Result, files};

/// How what is being written is called until it is whole.
const UNFINISHED: &str = ".pyairtable-restoring";

/// Puts back from `archived` whatever is not there, and compares all of it afterwards.
pub fn restore(tree: &Tree, archived: &Path) -> Result<()> {
    // Before anything is written: whether it can be.
    for entry in &tree.entries {
        let path = tree.at(entry);
        if let Some(meta) = there(&path)?
            && let Some(what) = entry.differs(&path, &meta, false)?
            && !(entry.kind == Kind::Folder && meta.is_dir())
        {
            return Err(Error::refused(
                format!("{} {what}: somebody has put it in the place of what is to be restored", path.display()),
                "move it away, and run the same command again; nothing was written over",
            ));
        }
    }
    each(tree, archived, &mut |entry, contents| one(tree, entry, contents))?;
    // Children change the times of their folders, and a folder may not let its children be written.
    for entry in tree.entries.iter().rev().filter(|entry| entry.kind == Kind::Folder) {
        let path = tree.at(entry);
        finish(&path, entry).map_err(Error::file("restore", &path))?;
        // Children first: a folder is complete when it is synced.
        let _ = files::sync(&path);
    }
    files::sync(&tree.parent)?;
    verify(tree, archived, true)
}

fn one(tree: &Tree, entry: &Entry, contents: &mut dyn Read) -> Result<()> {
    let path = tree.at(entry);
    let failed = || Error::file("restore", &path);
    let unfinished = files::beside(&path, UNFINISHED);
    if let Err(error) = fs::remove_file(&unfinished)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed()(error));
    }
    if there(&path)?.is_some() {
        if entry.kind == Kind::Folder {
            fs::set_permissions(&path, Permissions::from_mode(entry.mode | 0o700)).map_err(failed())?;
        }
        return Ok(());
    }
    match &entry.kind {
        Kind::Folder => return fs::DirBuilder::new().mode(0o700).create(&path).map_err(failed()),
        Kind::File { same_as: Some(first), .. } => {
            let first = tree.entries.get(*first).map(|first| tree.at(first)).unwrap_or_default();
            return fs::hard_link(first, &path).map_err(failed());
        }
        Kind::File { same_as: None, .. } => {
            let mut file = files::create(&unfinished).map_err(failed())?;
            io::copy(contents, &mut file).and_then(|_| file.sync_all()).map_err(failed())?;
        }
        Kind::Link { to } => symlink(to, &unfinished).map_err(failed())?,
    }
    finish(&unfinished, entry).map_err(failed())?;
    if let Kind::File { .. } = entry.kind {
        File::open(&unfinished).and_then(|file| file.sync_all()).map_err(failed())?;
    }
    fs::rename(&unfinished, &path).map_err(failed())
}

/// Owner, mode and times.
fn finish(path: &Path, entry: &Entry) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    if (meta.uid(), meta.gid()) != (entry.owner, entry.group) {
        lchown(path, Some(entry.owner), Some(entry.group))?;
    }
    if !matches!(entry.kind, Kind::Link { .. }) {
        // After the owner: a change of owner takes bits away.
        fs::set_permissions(path, Permissions::from_mode(entry.mode))?;
    }
    let time = Timespec { tv_sec: entry.changed.0, tv_nsec: entry.changed.1 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
