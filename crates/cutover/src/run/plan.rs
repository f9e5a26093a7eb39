//! What a run is about. Decided once, so that nothing needs to be said again between steps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use db::DatabaseUrl;
use jiff::Timestamp;
use kernel::{Clock, Rng};
use serde::{Deserialize, Serialize};

use super::Folder;
use crate::config::Chosen;
use crate::shadow::ShadowPlan;
use crate::shift::ShiftPlan;
use crate::{Error, Result, files};

/// The version of the plan's format.
const FORMAT: u32 = 1;

/// What whoever begins a run can choose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Folders and files to archive with the backup: the old services and their configuration.
    pub archive: Vec<PathBuf>,
    /// How many connections dump and restore at once; by default two.
    pub jobs: Option<u16>,
    /// How traffic is to be moved.
    pub shift: Option<ShiftPlan>,
    /// How much is compared before it moves.
    pub shadow: Option<ShadowPlan>,
    /// The folder of the old services.
    pub old: Option<PathBuf>,
    /// Whose value to take where they contradict each other.
    pub take: Chosen,
    /// Checks that may say stop.
    pub accept: Vec<String>,
    /// Seconds to look on once everybody is on the new side; by default 48 hours.
    pub soak: Option<u64>,
    /// The new service's environment file.
    pub environment: Option<PathBuf>,
}

/// Seconds of a soak that nobody chose: the strategy's 48 hours.
const SOAK: u64 = 48 * 3600;
/// Seconds without a session of an old service before anything of theirs is removed.
const QUIET: u64 = 24 * 3600;
/// A soak of fewer seconds is a rehearsal's.
const REHEARSAL: u64 = 3600;

/// The plan of a run, kept in its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    format: u32,
    /// The run's id: 16 digits. Names of things made by the run contain it.
    pub run: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// The database's name.
    pub database: String,
    /// What PostgreSQL calls its cluster: another server with a database of the same name is another database.
    pub system: String,
    /// Folders and files to archive.
    pub archive: Vec<PathBuf>,
    /// How many connections dump and restore at once.
    pub jobs: u16,
    /// How traffic is moved, once somebody has said so.
    #[serde(default)]
    pub shift: Option<ShiftPlan>,
    /// How much is compared before traffic moves; nothing if it is not to be.
    #[serde(default)]
    pub shadow: Option<ShadowPlan>,
    /// The folder of the old services: their environments become the new one's, and it is archived with the backup.
    #[serde(default)]
    pub old: Option<PathBuf>,
    /// Whose value to take where they contradict each other.
    #[serde(default)]
    pub take: Chosen,
    /// Checks that may say stop: somebody has looked, and meant it.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Seconds to look on once everybody is on the new side, if somebody chose them. Decided with `shift`.
    #[serde(default)]
    pub soak: Option<u64>,
    /// The new service's environment file, once somebody has said where it is.
    #[serde(default)]
    pub environment: Option<PathBuf>,
}

impl Plan {
    /// A new plan; nothing is written.
    pub async fn new(url: &DatabaseUrl, wishes: &Wishes, clock: &dyn Clock, rng: &dyn Rng) -> Result<Self> {
        let (database, system) = identity(url).await?;
        let run = files::hex(&rng.bytes::<8>());
        let old = wishes.old.as_deref().map(absolutely).transpose()?;
        Ok(Self {
            format: FORMAT,
            run,
            made_at: clock.now(),
            database,
            system,
            archive: archived(wishes)?,
            jobs: wishes.jobs.unwrap_or(2).max(1),
            shift: wishes.shift.clone(),
            shadow: wishes.shadow.filter(|_| wishes.shift.is_some()),
            old,
            take: wishes.take.clone(),
            accept: wishes.accept.clone(),
            soak: wishes.shift.as_ref().and(wishes.soak),
            environment: wishes.environment.as_deref().map(absolutely).transpose()?,
        })
    }

    /// Takes over what may be said later than the rest. Whether anything was.
    pub(super) fn add(&mut self, wishes: &Wishes) -> Result<bool> {
        let mut changed = false;
        // How traffic moves may be said later than how the database is prepared.
        if self.shift.is_none() && wishes.shift.is_some() {
            self.shift.clone_from(&wishes.shift);
            self.soak = wishes.soak;
            self.shadow = wishes.shadow;
            changed = true;
        }
        if self.environment.is_none()
            && let Some(path) = &wishes.environment
        {
            self.environment = Some(absolutely(path)?);
            changed = true;
        }
        // Somebody read what a check says and means it, or chose whose value to take.
        let known = (self.accept.clone(), self.take.clone());
        let accept: BTreeSet<String> = self.accept.iter().chain(&wishes.accept).cloned().collect();
        self.accept = accept.into_iter().collect();
        self.take.extend(wishes.take.clone());
        Ok(changed || known != (self.accept.clone(), self.take.clone()))
    }

    /// Seconds to look on once everybody is on the new side.
    pub fn soak_seconds(&self) -> u64 {
        self.soak.unwrap_or(SOAK)
    }

    /// Seconds without a session of an old service before clean-up.
    pub fn quiet_seconds(&self) -> u64 {
        let soak = self.soak_seconds();
        if soak < REHEARSAL { soak } else { QUIET }
    }

    /// The plan in `folder`, if there is one.
    pub fn read(folder: &Folder) -> Result<Option<Self>> {
        let plan: Option<Self> = files::read_json(&folder.plan())?;
        match plan {
            Some(plan) if plan.format > FORMAT => Err(Error::refused(
                format!("{} is of format {}, this program knows up to {FORMAT}", folder.plan().display(), plan.format),
                "go on with the pyairtable-platform that began the run",
            )),
            plan => Ok(plan),
        }
    }

    /// Refuses a plan of another database, or one that was made with other wishes.
    pub(crate) async fn fits(&self, folder: &Folder, url: &DatabaseUrl, wishes: &Wishes) -> Result<()> {
        let shown = folder.path().display();
        let found = identity(url).await?;
        if found != (self.database.clone(), self.system.clone()) {
            return Err(Error::refused(
                format!("the run in {shown} is about database {} of server {}", self.database, self.system),
                format!(
                    "DATABASE_URL names {} of server {}: correct it, or begin another run with --dir",
                    found.0, found.1
                ),
            ));
        }
        let archive = archived(wishes)?;
        if (!archive.is_empty() && archive != self.archive) || wishes.jobs.is_some_and(|jobs| jobs != self.jobs) {
            return Err(Error::refused(
                format!("the run in {shown} was planned with other --archive or --jobs"),
                "leave the flags out to go on with it, or begin another run with --dir",
            ));
        }
        if wishes.old.as_deref().map(absolutely).transpose()?.is_some_and(|old| self.old.as_ref() != Some(&old)) {
            return Err(Error::refused(
                format!("the run in {shown} was planned with another --old"),
                "leave the flag out to go on with it, or begin another run with --dir",
            ));
        }
        let environment = wishes.environment.as_deref().map(absolutely).transpose()?;
        if environment.is_some() && self.environment.is_some() && environment != self.environment {
            return Err(Error::refused(
                format!("the run in {shown} was planned with another --environment-file"),
                "leave the flag out to go on with it, or begin another run with --dir",
            ));
        }
        if self.shift.is_some() && wishes.soak.is_some_and(|soak| soak != self.soak_seconds()) {
            return Err(Error::refused(
                format!("the run in {shown} was planned to soak for {} s", self.soak_seconds()),
                "leave --soak out to go on with it: how long is decided before traffic moves",
            ));
        }
        if wishes.shift.is_some() && self.shift.is_some() && wishes.shift != self.shift {
            return Err(Error::refused(
                format!("the run in {shown} was planned to move traffic in another way"),
                "leave the flags out to go on with it, or begin another run with --dir",
            ));
        }
        Ok(())
    }

    /// The database that backups are restored into to try them.
    pub fn scratch(&self) -> String {
        format!("pyairtable_scratch_{}", self.run)
    }

    /// The database that a full rollback restores into, beside the live one.
    pub fn restored(&self) -> String {
        format!("pyairtable_restored_{}", self.run)
    }

    /// What the live database is called after a full rollback.
    pub fn kept(&self) -> String {
        format!("pyairtable_before_{}", self.run)
    }

    /// What a restored database is called once a full rollback was taken back.
    pub fn undone(&self) -> String {
        format!("pyairtable_undone_{}", self.run)
    }
}

/// The old services' folder is archived whether or not somebody names it.
fn archived(wishes: &Wishes) -> Result<Vec<PathBuf>> {
    let mut all: Vec<PathBuf> = wishes.archive.iter().map(|path| absolutely(path)).collect::<Result<_>>()?;
    if let Some(old) = wishes.old.as_deref().map(absolutely).transpose()?
        && !all.contains(&old)
    {
        all.push(old);
    }
    Ok(all)
}

fn absolutely(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(Error::file("find", path))
}

async fn identity(url: &DatabaseUrl) -> Result<(String, String)> {
    let client = url.connect().await?;
    let sql = "SELECT current_database()::text, system_identifier::text FROM pg_control_system()";
    let row = client.query_one(sql, &[]).await.map_err(Error::sql("asking which database this is"))?;
    Ok((row.get(0), row.get(1)))
}
