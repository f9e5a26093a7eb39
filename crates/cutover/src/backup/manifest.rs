//! What a backup says about itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Archive;
use crate::digest::{Table, TableDigest};
use crate::discover::Server;
use crate::{Error, Result, files};

pub(super) const FORMAT: u32 = 1;
pub(crate) const MANIFEST: &str = "manifest.json";
pub(super) const SUMS: &str = "SHA256SUMS";

/// A file of the backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its path within the backup.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its contents in hexadecimal.
    pub sha256: String,
}

/// The contents of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub format: u32,
    /// The run that made it.
    pub run: String,
    /// When its snapshot was taken.
    pub made_at: Timestamp,
    /// The server, with the settings of the database, which `pg_dump` leaves out.
    pub server: Server,
    /// The programs that made it.
    pub tools: Vec<String>,
    /// The exported snapshot.
    pub snapshot: String,
    /// What that snapshot sees, in PostgreSQL's words: every change that it does not see is in the change log. `None` in
    /// backups from before there was one.
    #[serde(default)]
    pub captured: Option<String>,
    /// The schema's fingerprint.
    pub fingerprint: String,
    /// The schema itself, a line an object.
    pub schema: Vec<String>,
    /// The tables as they were measured.
    pub tables: Vec<Table>,
    /// What they come to, by `schema.table`.
    pub digests: BTreeMap<String, TableDigest>,
    /// How far sequences had come, by `schema.sequence`.
    pub sequences: BTreeMap<String, i64>,
    /// How many large objects there were.
    pub large_objects: u64,
    /// The archived folders.
    pub archives: Vec<Archive>,
    /// Every file but this one and the list of sums.
    pub files: Vec<FileSum>,
}

impl Manifest {
    /// What the manifest of the backup in `folder` says, if there is one. Nothing is compared.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        files::read_json(&folder.join(MANIFEST)).map_err(|error| {
            Error::differs(
                format!("the backup in {} is damaged: {error}", folder.display()),
                "do not use it: put an undamaged copy in its place, or make a new one in another folder with \
                 `pyairtable-platform cutover backup --dir DIR`",
            )
        })
    }

    /// Writes it and the list of sums into the folder that has the files already. SHA-256 of the manifest.
    pub(super) fn write(&self, folder: &Path) -> Result<String> {
        let text = files::json(self);
        files::replace(&folder.join(MANIFEST), &text)?;
        let sum = files::sha256(&text);
        files::replace(&folder.join(SUMS), self.sums(&sum).as_bytes())?;
        Ok(sum)
    }

    /// The list of sums, in the form that `sha256sum` reads.
    pub(super) fn sums(&self, manifest: &str) -> String {
        let mut text = format!("{manifest}  {MANIFEST}\n");
        for file in &self.files {
            let _ = writeln!(text, "{}  {}", file.sha256, file.path);
        }
        text
    }

    /// All rows together.
    pub fn rows(&self) -> u64 {
        self.digests.values().map(|digest| digest.rows).sum()
    }

    /// All files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Every file below `folder` apart from manifest and sums, in the order of their paths; everything else that is there
/// is an error.
pub(super) fn walk(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).map_err(Error::file("list", &directory))? {
            let path = entry.map_err(Error::file("list", &directory))?.path();
            let kind = fs::symlink_metadata(&path).map_err(Error::file("look at", &path))?.file_type();
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if kind.is_dir() {
                open.push(path);
            } else if !kind.is_file() {
                return Err(Error::differs(
                    format!("{} is no regular file, and no backup has any other", path.display()),
                    "make a new backup in another folder with `pyairtable-platform cutover backup --dir DIR`",
                ));
            } else if name != MANIFEST && name != SUMS {
                all.push((name, path));
            }
        }
    }
    all.sort();
    Ok(all)
}

/// The sums of all files below `folder`, which are made durable.
pub(super) fn sums_of(folder: &Path) -> Result<Vec<FileSum>> {
    let mut all = Vec::new();
    for (name, path) in walk(folder)? {
        let (sha256, bytes) = files::sha256_file(&path)?;
        files::sync(&path)?;
        files::sync_parent(&path)?;
        all.push(FileSum { path: name, bytes, sha256 });
    }
    Ok(all)
}
