//! What stands at one of the plan's paths: every file, folder and link, as it is.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{mounts, name};
use crate::{Error, Result, files};

/// What a thing is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Kind {
    /// With what is in it.
    Folder,
    /// With its contents.
    File {
        /// In bytes.
        bytes: u64,
        /// Of its contents.
        sha256: String,
        /// The number of the entry that is the same file under another name.
        same_as: Option<usize>,
    },
    /// Kept and removed as a link.
    Link {
        /// Where to, which need not exist.
        #[serde(with = "name")]
        to: PathBuf,
    },
}

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Its path; the first part is the name of the top.
    #[serde(with = "name")]
    pub(super) name: PathBuf,
    #[serde(flatten)]
    pub(super) kind: Kind,
    /// With the bits beyond reading, writing and executing.
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) group: u32,
    /// Seconds and nanoseconds.
    pub(super) changed: (i64, i64),
}

/// A path of the plan with everything below it, parents before their children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// As the plan names it.
    #[serde(with = "name")]
    pub(super) path: PathBuf,
    /// The folder that holds it, without links on the way.
    #[serde(with = "name")]
    pub(super) parent: PathBuf,
    pub(super) entries: Vec<Entry>,
}

/// What must not be removed, whatever the plan says: (path, what it is).
pub type Forbidden = [(PathBuf, &'static str)];

impl Tree {
    /// Where an entry stands.
    pub(super) fn at(&self, entry: &Entry) -> PathBuf {
        self.parent.join(&entry.name)
    }

    /// Where it all begins.
    pub fn top(&self) -> PathBuf {
        self.entries.first().map_or_else(|| self.path.clone(), |top| self.at(top))
    }

    /// How many files, folders and links.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn refused(path: &Path, why: &str) -> Error {
    Error::refused(
        format!("{} cannot be cleaned up: {why}; nothing was removed", path.display()),
        "mend that, or begin another run with the right --archive paths: the list of a run does not change",
    )
}

/// Where a path of the plan really is: its parent without links, and its name. A link at its end is itself what is meant.
pub(super) fn place(path: &Path) -> Result<(PathBuf, PathBuf)> {
    let name = path.file_name().ok_or_else(|| refused(path, "it has no name of its own"))?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    Ok((fs::canonicalize(parent).map_err(Error::file("find", parent))?, name.into()))
}

/// Everything at `path`, without following links. Refuses what must not be removed and what could not be restored.
pub fn look(path: &Path, forbidden: &Forbidden) -> Result<Tree> {
    // `a/..` names something else than it seems, and `a/.` cannot be removed under that name.
    let text = path.as_os_str().as_encoded_bytes();
    if text.ends_with(b"/..") || text.ends_with(b"/.") {
        return Err(refused(path, "its last part is not a name"));
    }
    let (parent, name) = place(path)?;
    let top = parent.join(&name);
    if parent == Path::new("/") {
        return Err(refused(path, "it stands directly below /"));
    }
    for (other, what) in forbidden {
        let other = fs::canonicalize(other).unwrap_or_else(|_| other.clone());
        if other.starts_with(&top) {
            return Err(refused(path, &format!("{what} is in it")));
        }
    }
    if let Some(point) = mounts::within(&top) {
        return Err(refused(path, &format!("another file system is mounted at {}", point.display())));
    }
    let device = fs::metadata(&parent).map_err(Error::file("look at", &parent))?.dev();
    let mut tree = Tree { path: path.to_owned(), parent, entries: Vec::new() };
    let mut inodes = BTreeMap::new();
    let mut open = vec![name];
    while let Some(name) = open.pop() {
        let at = tree.parent.join(&name);
        let meta = fs::symlink_metadata(&at).map_err(Error::file("look at", &at))?;
        if meta.dev() != device {
            return Err(refused(path, &format!("another file system is mounted at {}", at.display())));
        }
        let kind = meta.file_type();
        let kind = if kind.is_dir() {
            open.extend(children(&at)?.into_iter().rev().map(|child| name.join(child)));
            Kind::Folder
        } else if kind.is_symlink() {
            Kind::Link { to: fs::read_link(&at).map_err(Error::file("read", &at))? }
        } else if kind.is_file() {
            let same_as = inodes.get(&meta.ino()).copied();
            inodes.entry(meta.ino()).or_insert(tree.entries.len());
            let (sha256, bytes) = files::sha256_file(&at)?;
            Kind::File { bytes, sha256, same_as }
        } else {
            return Err(refused(path, &format!("{} is a socket, pipe or device: stop who made it", at.display())));
        };
        tree.entries.push(entry(name, kind, &meta));
    }
    Ok(tree)
}

fn entry(name: PathBuf, kind: Kind, meta: &Metadata) -> Entry {
    // A link has no mode of its own.
    let mode = if meta.is_symlink() { 0o777 } else { meta.mode() & 0o7777 };
    Entry { name, kind, mode, owner: meta.uid(), group: meta.gid(), changed: (meta.mtime(), meta.mtime_nsec()) }
}

/// The names in a folder, in order.
pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|names| names.map(|entry| entry.map(|entry| entry.file_name().into())).collect())
        .map_err(Error::file("list", folder))?;
    names.sort();
    Ok(names)
}

/// What stands there now, or nothing.
pub(super) fn there(path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(meta)),
        // A folder on the way that is gone, or is none any more.
        Err(error) if [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory].contains(&error.kind()) => {
            Ok(None)
        }
        Err(error) => Err(Error::file("look at", path)(error)),
    }
}

impl Entry {
    /// What about `meta`, and the contents at `path`, is not as it was; nothing if all is. Of a folder whose things are
    /// being removed, only what it is.
    pub(super) fn differs(&self, path: &Path, meta: &Metadata, strict: bool) -> Result<Option<&'static str>> {
        let kind = meta.file_type();
        let fits = match &self.kind {
            Kind::Folder => kind.is_dir(),
            Kind::File { .. } => kind.is_file(),
            Kind::Link { .. } => kind.is_symlink(),
        };
        if !fits {
            return Ok(Some("is something else"));
        }
        let now = entry(self.name.clone(), self.kind.clone(), meta);
        let is_folder = self.kind == Kind::Folder;
        // Removing from a folder that may not be written takes that bit first.
        let mode = |mode: u32| if strict || !is_folder { mode } else { mode | 0o700 };
        if (mode(now.mode), now.owner, now.group) != (mode(self.mode), self.owner, self.group) {
            return Ok(Some("has another mode or owner"));
        }
        if now.changed != self.changed && (strict || !is_folder) {
            return Ok(Some("was changed"));
        }
        match &self.kind {
            Kind::Link { to } if fs::read_link(path).map_err(Error::file("read", path))? != *to => {
                Ok(Some("points elsewhere"))
            }
            Kind::File { bytes, .. } if meta.len() != *bytes => Ok(Some("has another size")),
            _ => Ok(None),
        }
    }
}
