//! Trees as tar archives that anybody can unpack, and the comparison with what stands on the disk.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tar::{Archive, Builder, EntryType};

use super::tree::{Entry, Kind, Tree, children, there};
use crate::{Error, Result, backup, files};

const PIECE: usize = 1 << 16;

/// Archives `tree` into `target`, on disk when it returns.
pub fn archive(tree: &Tree, target: &Path) -> Result<()> {
    let out = files::create(target).map_err(Error::file("create", target))?;
    let mut builder = Builder::new(BufWriter::new(out));
    builder.follow_symlinks(false);
    for entry in &tree.entries {
        let path = tree.at(entry);
        let meta = std::fs::symlink_metadata(&path).map_err(Error::file("look at", &path))?;
        backup::append(&mut builder, &path, &entry.name, &meta).map_err(Error::file("archive", &path))?;
    }
    let out = builder.into_inner().and_then(|out| out.into_inner().map_err(io::IntoInnerError::into_error));
    out.and_then(|out| out.sync_all()).map_err(Error::file("write", target))?;
    files::sync_parent(target)
}

fn changed(path: &Path, what: &str) -> Error {
    Error::differs(
        format!("{} {what} since it was archived; nothing of it was removed", path.display()),
        "stop who writes there, then `pyairtable-platform cutover clean-up --undo` and `cutover clean-up`, which archives anew",
    )
}

/// Compares the disk with the tree and, byte by byte, with its archive. What is gone already is gone; with `strict`
/// nothing may be missing, and folders must have their times.
pub fn verify(tree: &Tree, archived: &Path, strict: bool) -> Result<()> {
    let known: BTreeSet<&Path> = tree.entries.iter().map(|entry| entry.name.as_path()).collect();
    each(tree, archived, &mut |entry, contents| {
        let path = tree.at(entry);
        let Some(meta) = there(&path)? else {
            return if strict { Err(changed(&path, "is missing")) } else { Ok(()) };
        };
        if let Some(what) = entry.differs(&path, &meta, strict)? {
            return Err(changed(&path, what));
        }
        match &entry.kind {
            Kind::Folder => {
                let unknown = |child: &PathBuf| !known.contains(entry.name.join(child).as_path());
                match children(&path)?.into_iter().find(unknown) {
                    Some(child) => Err(changed(&path.join(child), "is new")),
                    None => Ok(()),
                }
            }
            Kind::Link { .. } => Ok(()),
            Kind::File { .. } => {
                let mut file = File::open(&path).map_err(Error::file("open", &path))?;
                if same(&mut file, contents).map_err(Error::file("compare", &path))? {
                    Ok(())
                } else {
                    Err(changed(&path, "has other contents"))
                }
            }
        }
    })
}

/// Hands each entry of the archive to `act`, with its contents, after comparing what the archive says of it with the
/// tree. The contents are compared with their SHA-256 when they have been read.
pub(super) fn each(
    tree: &Tree,
    archived: &Path,
    act: &mut dyn FnMut(&Entry, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let damaged = |what: &str| {
        Error::differs(
            format!("{} is damaged: {what}", archived.display()),
            "put an undamaged copy in its place, and run the same command again",
        )
    };
    let file = File::open(archived).map_err(Error::file("open", archived))?;
    let mut archive = Archive::new(BufReader::new(file));
    let mut found = archive.entries().map_err(Error::file("read", archived))?;
    for entry in &tree.entries {
        let Some(one) = found.next() else { return Err(damaged("it ends too early")) };
        let one = one.map_err(Error::file("read", archived))?;
        let name = one.path().map_err(Error::file("read", archived))?;
        let kind = one.header().entry_type();
        let link = one.link_name().map_err(Error::file("read", archived))?;
        let fits = match &entry.kind {
            Kind::Folder => kind == EntryType::Directory,
            Kind::File { bytes, .. } => kind == EntryType::Regular && one.size() == *bytes,
            Kind::Link { to } => kind == EntryType::Symlink && link.is_some_and(|link| link == to.as_path()),
        };
        // A folder's name may end with a slash there.
        if !fits || name.components().ne(entry.name.components()) {
            return Err(damaged(&format!("{} is not what it should hold there", entry.name.display())));
        }
        drop(name);
        let mut contents = Summed { inner: one, sum: Sha256::new() };
        act(entry, &mut contents)?;
        io::copy(&mut contents, &mut io::sink()).map_err(Error::file("read", archived))?;
        if let Kind::File { sha256, .. } = &entry.kind
            && files::hex(&contents.sum.finalize()) != *sha256
        {
            return Err(damaged(&format!("{} has other contents", entry.name.display())));
        }
    }
    match found.next() {
        None => Ok(()),
        Some(_) => Err(damaged("it holds more than it should")),
    }
}

/// A reader that sums what passes.
struct Summed<R> {
    inner: R,
    sum: Sha256,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sum.update(&buffer[..read]);
        Ok(read)
    }
}

fn same(one: &mut dyn Read, other: &mut dyn Read) -> io::Result<bool> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let (a, b) = (fill(one, &mut left)?, fill(other, &mut right)?);
        if left[..a] != right[..b] {
            return Ok(false);
        }
        if a == 0 {
            return Ok(true);
        }
    }
}

fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut full = 0;
    while full < buffer.len() {
        match from.read(&mut buffer[full..])? {
            0 => break,
            read => full += read,
        }
    }
    Ok(full)
}
