//! The journal of a run: a file beside the database, not in it, because the database is what the run changes.
//!
//! One record is one line of JSON. It ends with the SHA-256 of itself, and it contains that of the record before, so a
//! changed, removed or moved record is found. A record is on disk before what it announces is done.
//!
//! A line that was being written when the machine stopped is no record: it is cut off and kept aside. Damage anywhere
//! else is refused. Why it is done this way: `docs/adr/0013-journal-and-digests.md`.

mod contents;
mod record;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Clock;

pub use self::contents::{Contents, read};
pub use self::record::{Entry, FORMAT, Record};
use crate::files;
use crate::{Error, Result};

/// The moments around the writing of a record at which a run can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nothing is written yet.
    Before,
    /// Written, but not synced.
    Written,
    /// On disk.
    Synced,
}

/// Told about every record; tests end the process there.
pub type Witness = Arc<dyn Fn(Moment, &Record) + Send + Sync>;

/// A journal that is being written.
pub struct Journal {
    path: PathBuf,
    file: File,
    clock: Arc<dyn Clock>,
    witness: Option<Witness>,
    records: Vec<Record>,
    sum: String,
    /// After a failed write nobody knows what is in the file.
    broken: bool,
}

impl Journal {
    /// Opens the journal at `path`, which may be missing or have a torn end; what was torn is kept in a file beside it.
    ///
    /// The file is copied and replaced. Whoever held it before and writes on does so into a file without a name.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, witness: Option<Witness>) -> Result<Self> {
        let contents = read(path)?;
        let bytes = fs::read(path).unwrap_or_default();
        let kept = if contents.torn.is_empty() { None } else { Some(keep(path, &contents.torn)?) };
        files::replace(path, bytes.get(..contents.length).unwrap_or_default())?;
        let file = OpenOptions::new().append(true).open(path).map_err(Error::file("open", path))?;
        let torn = contents.torn.len() as u64;
        let Contents { records, sum, .. } = contents;
        let mut journal = Self { path: path.to_owned(), file, clock, witness, records, sum, broken: false };
        if let Some(kept) = kept
            && !journal.records.is_empty()
        {
            journal.append(Entry::Mended { bytes: torn, kept })?;
        }
        Ok(journal)
    }

    /// Writes a record. When this returns it is on disk.
    pub fn append(&mut self, entry: Entry) -> Result<()> {
        if self.broken {
            return Err(Error::refused(
                format!("{} could not be written before", self.path.display()),
                "free space or repair the disk, then run the same command again",
            ));
        }
        let record = Record { seq: self.records.len() as u64, at: self.clock.now(), prev: self.sum.clone(), entry };
        let (line, sum) = record.line();
        self.tell(Moment::Before, &record);
        self.broken = true;
        self.file.write_all(&line).map_err(Error::file("write", &self.path))?;
        self.tell(Moment::Written, &record);
        self.file.sync_data().map_err(Error::file("sync", &self.path))?;
        self.broken = false;
        self.tell(Moment::Synced, &record);
        self.records.push(record);
        self.sum = sum;
        Ok(())
    }

    /// Everything in it.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    fn tell(&self, moment: Moment, record: &Record) {
        if let Some(witness) = &self.witness {
            witness(moment, record);
        }
    }
}

/// Puts a torn end into a file of its own and returns its name.
fn keep(path: &Path, torn: &[u8]) -> Result<String> {
    let kept = (1..10_000)
        .map(|number: u32| files::beside(path, &format!(".torn.{number}")))
        .find(|kept| !kept.exists())
        .unwrap_or_else(|| files::beside(path, ".torn"));
    files::replace(&kept, torn)?;
    Ok(kept.file_name().unwrap_or_default().to_string_lossy().into_owned())
}
