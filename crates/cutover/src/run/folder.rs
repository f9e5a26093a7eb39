//! The folder of a run: everything that is known about it, beside the database.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::{Error, Result, files};

/// Where a run keeps its files. Only its owner may look in: a backup holds password hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which need not exist.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Makes it if there is none.
    pub(crate) fn make(&self) -> Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(Error::file("create", &self.0))?;
        files::sync_parent(&self.0)
    }

    /// The path itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What the run is about; written once.
    pub fn plan(&self) -> PathBuf {
        self.0.join("plan.json")
    }

    /// What was done.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.jsonl")
    }

    /// Who holds the run.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// What is being done at the moment. Lost in a crash, and not needed after one.
    pub fn progress(&self) -> PathBuf {
        self.0.join("progress.json")
    }

    /// There while somebody wants the run to wait.
    pub fn pause(&self) -> PathBuf {
        self.0.join("pause")
    }

    /// What traffic did while it was moved. Losing it loses charts and nothing else.
    pub fn series(&self) -> PathBuf {
        self.0.join("series.jsonl")
    }

    /// What the checks before the run found, when they were made last.
    pub fn preflight(&self) -> PathBuf {
        self.0.join("preflight.json")
    }

    /// The new service's environment. Holds secrets.
    pub fn environment(&self) -> PathBuf {
        self.0.join("pyairtable-platform.env")
    }

    /// What the shadow found before traffic moved.
    pub fn shadow(&self) -> PathBuf {
        self.0.join("shadow.json")
    }

    /// What comparing the database with the backup came to, when it was done last.
    pub fn verification(&self) -> PathBuf {
        self.0.join("verification.json")
    }

    /// That the live rows were those of the backup and every change since, when the schema had been expanded.
    pub fn verified(&self) -> PathBuf {
        self.0.join("verified.json")
    }

    /// What a rehearsal adds to the report.
    pub fn rehearsal(&self) -> PathBuf {
        self.0.join("rehearsal.json")
    }

    /// The report, with one of the endings `html`, `json` and `md`.
    pub fn report(&self, ending: &str) -> PathBuf {
        self.0.join("report").with_extension(ending)
    }

    /// What stood in the database at the beginning.
    pub fn discovery(&self) -> PathBuf {
        self.0.join("discovery.json")
    }

    /// The verified backup.
    pub fn backup(&self) -> PathBuf {
        self.0.join("backup")
    }

    /// What stood in the database when the soak began.
    pub fn soak(&self) -> PathBuf {
        self.0.join("soak.json")
    }

    /// Which sessions of others were seen, and when last.
    pub fn sessions(&self) -> PathBuf {
        self.0.join("sessions.json")
    }

    /// What the clean-up took away, for its way back.
    pub fn clean_up(&self) -> PathBuf {
        self.0.join("clean-up")
    }

    /// What the trial restore of the backup came to.
    pub fn trial(&self) -> PathBuf {
        self.0.join("trial.json")
    }
}
