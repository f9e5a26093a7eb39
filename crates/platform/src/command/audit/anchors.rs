//! The file of anchors: JSON lines, one a chain, the newest anchor of each. A line without a trail is of `audit_events`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use db::audit::Anchor;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::named;
use super::output::NewFile;

/// An anchor with the time it was taken.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) anchor: Anchor,
    pub(super) at: Timestamp,
}

/// All anchors in a file; files put one after the other are one.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Line>> {
    parse(&fs::read_to_string(path).map_err(named(path))?, path)
}

/// The same of a file that may not be there yet.
pub(super) fn read_if_any(path: &Path) -> anyhow::Result<Vec<Line>> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        text => parse(&text.map_err(named(path))?, path),
    }
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Vec<Line>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).with_context(|| format!("{}, line {}: no anchor", path.display(), index + 1))
        })
        .collect()
}

/// Replaces the file.
pub(super) fn write(path: &Path, lines: &[Line]) -> anyhow::Result<()> {
    let written = || -> io::Result<()> {
        let mut file = NewFile::beside(path)?;
        for line in lines {
            writeln!(file, "{}", serde_json::to_string(line)?)?;
        }
        file.finish()
    };
    written().map_err(named(path))
}

/// Keeps others from writing the file until dropped: of two that write, the slower one could move anchors back.
pub(super) fn lock(path: &Path) -> anyhow::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock = Path::new(&name);
    let file = File::create(lock).map_err(named(lock))?;
    file.lock().map_err(named(lock))?;
    Ok(file)
}
