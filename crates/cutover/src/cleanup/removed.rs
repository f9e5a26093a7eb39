//! Removing exactly what was archived.
//!
//! Every name is opened from the folder above it, and never through a link: whoever puts a link in the place of a folder
//! meanwhile makes this fail, and does not make it remove something else.

use std::fs::File;
use std::path::{Component, Path};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fchmod, openat, statat, unlinkat};
use rustix::io::Errno;

use super::tree::{Entry, Kind, Tree};
use crate::{Error, Result};

/// Removes every entry that is there, children before their parents. Whatever is not as it was archived stays and ends it.
pub fn remove(tree: &Tree) -> Result<()> {
    let parent = File::open(&tree.parent).map_err(Error::file("open", &tree.parent))?;
    for entry in tree.entries.iter().rev() {
        one(&parent, tree, entry)?;
    }
    parent.sync_all().map_err(Error::file("sync", &tree.parent))
}

fn one(parent: &File, tree: &Tree, entry: &Entry) -> Result<()> {
    let at = tree.at(entry);
    let failed = |errno: Errno| Error::file("remove", &at)(errno.into());
    let Some(folder) = open_parent(parent, &entry.name).map_err(failed)? else { return Ok(()) };
    let Some(name) = entry.name.file_name() else { return Ok(()) };
    let stat = match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(()),
        Err(errno) => return Err(failed(errno)),
    };
    let kind = FileType::from_raw_mode(stat.st_mode);
    let (fits, flags) = match &entry.kind {
        Kind::Folder => (kind == FileType::Directory, AtFlags::REMOVEDIR),
        Kind::Link { .. } => (kind == FileType::Symlink, AtFlags::empty()),
        Kind::File { bytes, .. } => {
            let same = u64::try_from(stat.st_size).is_ok_and(|size| size == *bytes)
                && (i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec))
                    == (i128::from(entry.changed.0), i128::from(entry.changed.1));
            (kind == FileType::RegularFile && same, AtFlags::empty())
        }
    };
    if !fits {
        return Err(Error::differs(
            format!("{} was changed while it was being removed, and stays", at.display()),
            "stop who writes there, then `pyairtable-platform cutover clean-up --undo` puts back what was removed",
        ));
    }
    match unlinkat(&folder, name, flags) {
        // Its owner may remove from a folder that nobody may write to, once it may be written.
        Err(Errno::ACCESS) => fchmod(&folder, Mode::RWXU).and_then(|()| unlinkat(&folder, name, flags)).map_err(failed),
        done => done.map_err(failed),
    }
}

/// The folder that holds `name`, opened part by part; nothing if it is gone.
fn open_parent(top: &File, name: &Path) -> Result<Option<File>, Errno> {
    let mut folder = top.try_clone().map_err(|_| Errno::MFILE)?;
    let parts: Vec<_> = name.components().collect();
    for part in parts.iter().take(parts.len().saturating_sub(1)) {
        let Component::Normal(part) = part else { return Err(Errno::INVAL) };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        match openat(&folder, *part, flags, Mode::empty()) {
            Ok(opened) => folder = opened.into(),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        }
    }
    Ok(Some(folder))
}
