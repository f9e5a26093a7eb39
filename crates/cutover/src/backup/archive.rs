//! Folders of old services as tar archives. Links are archived as links and never followed, so nothing outside of the
//! folder gets in.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tar::{Builder, EntryType, Header};

use crate::{Error, Result, files};

/// An archived folder or file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Where it was.
    pub source: PathBuf,
    /// The archive within the backup. `tar -xf` unpacks it.
    pub file: String,
    /// How many files, folders and links are in it.
    pub entries: u64,
    /// What cannot be archived: sockets, pipes and devices.
    pub skipped: Vec<String>,
}

/// The name of an archive: its number keeps two folders of one name apart.
pub(super) fn name(number: usize, source: &Path) -> String {
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    format!("files/{:02}-{}.tar", number + 1, name.chars().map(plain).collect::<String>())
}

/// Archives `source` into `target`, leaving out `except`, where the backup itself may be.
pub(super) fn pack(source: &Path, target: &Path, except: &Path) -> Result<(u64, Vec<String>)> {
    let root = fs::canonicalize(source).map_err(Error::file("find", source))?;
    let except = fs::canonicalize(except).unwrap_or_else(|_| except.to_owned());
    let out = files::create(target).map_err(Error::file("create", target))?;
    let mut builder = Builder::new(io::BufWriter::new(out));
    builder.follow_symlinks(false);
    let top = PathBuf::from(root.file_name().unwrap_or_default());
    let (mut entries, mut skipped) = (0, Vec::new());
    // Parents before their children, and each folder's names in order.
    let mut open = vec![(root, top)];
    while let Some((path, name)) = open.pop() {
        if path == except {
            continue;
        }
        let meta = fs::symlink_metadata(&path).map_err(Error::file("look at", &path))?;
        if meta.file_type().is_dir() {
            let mut names: Vec<_> = fs::read_dir(&path)
                .and_then(|names| names.map(|entry| entry.map(|entry| entry.file_name())).collect())
                .map_err(Error::file("list", &path))?;
            names.sort();
            open.extend(names.into_iter().rev().map(|child| (path.join(&child), name.join(&child))));
        }
        let written = append(&mut builder, &path, &name, &meta);
        if written.map_err(Error::file("archive", &path))? {
            entries += 1;
        } else {
            skipped.push(path.display().to_string());
        }
    }
    let out = builder.into_inner().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
    out.and_then(|out| out.sync_all()).map_err(Error::file("write", target))?;
    Ok((entries, skipped))
}

/// Appends a file, link or folder without what is in it. Whether it is one of these.
pub(crate) fn append(
    builder: &mut Builder<impl io::Write>,
    path: &Path,
    name: &Path,
    meta: &fs::Metadata,
) -> io::Result<bool> {
    let mut header = Header::new_gnu();
    header.set_metadata(meta);
    let kind = meta.file_type();
    if kind.is_dir() {
        header.set_size(0);
        builder.append_data(&mut header, name, io::empty())?;
    } else if kind.is_symlink() {
        let to = fs::read_link(path)?;
        header.set_entry_type(EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, to)?;
    } else if kind.is_file() {
        file(builder, header, name, path, meta.len())?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// A header says how long the file is, so one that becomes shorter meanwhile would spoil what follows it.
fn file(
    builder: &mut Builder<impl io::Write>,
    mut header: Header,
    name: &Path,
    path: &Path,
    bytes: u64,
) -> io::Result<()> {
    let mut contents = Vec::new();
    File::open(path)?.take(bytes).read_to_end(&mut contents)?;
    if contents.len() as u64 != bytes {
        return Err(io::Error::other("it became shorter while it was read: run the same command again"));
    }
    header.set_size(bytes);
    builder.append_data(&mut header, name, contents.as_slice())
}
