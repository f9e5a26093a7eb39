//! Reading a journal: the records that are whole, and whether what follows is a torn end or damage.

use std::fs;
use std::io;
use std::path::Path;

use super::record::{BEGINNING, Entry, FORMAT, Record, START};
use crate::{Error, Result};

/// What a journal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The whole records, in order.
    pub records: Vec<Record>,
    /// Where they end, in bytes.
    pub(super) length: usize,
    /// The checksum of the last.
    pub(super) sum: String,
    /// What follows them: a record whose writing was cut short.
    pub torn: Vec<u8>,
}

impl Contents {
    /// The checksum of the last record, which contains those of all before.
    pub fn head(&self) -> &str {
        &self.sum
    }

    /// The checksum of the record before number `count`: what the head was when there were so many.
    pub fn head_of(&self, count: usize) -> Option<&str> {
        if count == self.records.len() {
            Some(self.head())
        } else {
            self.records.get(count).map(|next| next.prev.as_str())
        }
    }

    /// Where the whole records end, in bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// The journal at `path`; an empty one if there is none.
pub fn read(path: &Path) -> Result<Contents> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes, path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => parse(b"", path),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

/// A record is written as a whole and synced before the next, so only the last can be torn. Whatever else does not fit
/// was changed after it was written.
pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Contents> {
    let mut contents = Contents { records: Vec::new(), length: 0, sum: BEGINNING.to_owned(), torn: Vec::new() };
    while let Some(end) = bytes[contents.length..].iter().position(|&byte| byte == b'\n') {
        let line = &bytes[contents.length..contents.length + end];
        let Some((record, sum)) = Record::parse(line) else { break };
        if record.seq != contents.records.len() as u64 || record.prev != contents.sum {
            return Err(damaged(path, &contents, "records are missing before it or are of another journal"));
        }
        refuse_newer(path, &record)?;
        contents.records.push(record);
        contents.sum = sum;
        contents.length += end + 1;
    }
    let rest = &bytes[contents.length..];
    if holds_a_record(rest) {
        return Err(damaged(path, &contents, "it was changed, and whole records follow it"));
    }
    contents.torn = rest.to_vec();
    Ok(contents)
}

/// Whether a whole record stands anywhere in what does not follow from the records before.
fn holds_a_record(rest: &[u8]) -> bool {
    let starts = rest.windows(START.len()).enumerate().filter(|(_, window)| *window == START).map(|(at, _)| at);
    starts.into_iter().any(|at| {
        let line = &rest[at..];
        let end = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
        // Its own newline is the last thing written: without it, and at the very end, it was cut short.
        end < line.len() && Record::parse(&line[..end]).is_some()
    })
}

fn refuse_newer(path: &Path, record: &Record) -> Result<()> {
    match &record.entry {
        Entry::Head { format, program, .. } if *format > FORMAT => Err(Error::refused(
            format!("{} is of format {format}, this program knows up to {FORMAT}", path.display()),
            format!("go on with pyairtable-platform {program} or later, which began the run"),
        )),
        _ => Ok(()),
    }
}

fn damaged(path: &Path, contents: &Contents, what: &str) -> Error {
    let shown = path.display();
    Error::differs(
        format!("{shown} is damaged at record {}, byte {}: {what}", contents.records.len(), contents.length),
        format!(
            "put a copy of the file back; if there is none, `mv {shown} {shown}.damaged` and run the same command \
             again: every step is looked at anew, and what is done is not done twice"
        ),
    )
}
