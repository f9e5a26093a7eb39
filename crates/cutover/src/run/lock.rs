//! One tool at a time, in one folder and on one database, and none that was thought dead.
//!
//! Three things together:
//! - A lock on the file `lock` of the run's folder, which also says who holds it.
//! - An advisory lock in the database, which keeps tools with other folders or on other machines out.
//! - A fencing token. Whoever takes the run over raises it in the file first and ends all sessions of tools before it
//!   then. A tool that was stopped meanwhile has lost its sessions. A session it opens afterwards is opened before the
//!   file is read, so either it was ended too, or the file already names somebody else.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use db::DatabaseUrl;
use jiff::Timestamp;
use kernel::Clock;
use serde::{Deserialize, Serialize};
use tokio_postgres::Client;

use super::Folder;
use crate::{Error, Result, files};

/// "pyairtable take-over" as a number, beside the one of migrations.
const ADVISORY_LOCK: i64 = 0x7079_6169_7274_0002;
/// How sessions of a run begin their names.
pub(crate) const APPLICATION: &str = "pyairtable-cutover";
/// A process that is being forked holds a copy of a lock for a moment although its parent is gone.
const PATIENCE: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);

/// Who holds a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Since when.
    pub since: Timestamp,
    /// The fencing token: greater than those before.
    pub token: u64,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {:.0}", self.pid, self.host, self.since)
    }
}

/// The right to work on a run.
pub struct Lock {
    /// Locked.
    file: File,
    path: PathBuf,
    holder: Holder,
    url: DatabaseUrl,
    /// Holds the advisory lock.
    session: Client,
}

impl Lock {
    /// Takes the run in `folder` on the database, or says who has it. `after` is the greatest token known so far. With
    /// `take_over` whoever has it loses it.
    pub async fn take(
        folder: &Folder,
        url: &DatabaseUrl,
        clock: &dyn Clock,
        after: u64,
        take_over: bool,
    ) -> Result<Self> {
        let path = folder.lock();
        let (previous, known) = lock_file(&path, take_over).await?;
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: clock.now(),
            token: known.map_or(0, |holder| holder.token).max(after) + 1,
        };
        let file = put_in_place(&path, &holder)?;
        drop(previous);
        let session = open(url, &holder).await?;
        take_advisory_lock(&session, url, take_over).await?;
        end_others(&session).await?;
        Ok(Self { file, path, holder, url: url.clone(), session })
    }

    /// Who holds it: this process.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The name that sessions of this tool carry, for programs it starts.
    pub fn application_name(&self) -> String {
        application_name(&self.holder)
    }

    /// Whether it is still held. Asked before everything that is written.
    pub async fn check(&self) -> Result<()> {
        self.check_file()?;
        if self.session.batch_execute("").await.is_err() {
            return Err(Error::Fenced("the session that held the lock of the database has ended".to_owned()));
        }
        Ok(())
    }

    /// A session to work with, of this run's database or of another of its server.
    pub async fn connect(&self, database: Option<&str>) -> Result<Client> {
        let url = database.map_or_else(|| self.url.clone(), |name| self.url.with_database(name));
        let client = open(&url, &self.holder).await?;
        self.check().await?; // after connecting: see the module's comment
        Ok(client)
    }

    /// Lets the database go, so that it can be renamed; the run's folder stays locked. Ends with [`Lock::come_back`].
    pub async fn step_out(&mut self) -> Result<()> {
        self.check().await?;
        let session = open(&self.url.with_database("postgres"), &self.holder).await?;
        // Dropping it alone would end the session at some later moment.
        let old = std::mem::replace(&mut self.session, session);
        let pid = "SELECT pg_backend_pid()";
        let pid: i32 = old.query_one(pid, &[]).await.map_err(Error::sql(pid))?.get(0);
        drop(old);
        let end = "SELECT pg_terminate_backend($1, 5000)";
        self.session.query(end, &[&pid]).await.map_err(Error::sql("leaving the database")).map(drop)
    }

    /// Takes the database that has the name now.
    pub async fn come_back(&mut self) -> Result<()> {
        let session = open(&self.url, &self.holder).await?;
        take_advisory_lock(&session, &self.url, false).await?;
        self.session = session;
        self.check_file()
    }

    fn check_file(&self) -> Result<()> {
        match read(&self.path) {
            Some(found) if found == self.holder => Ok(()),
            Some(other) => Err(Error::Fenced(other.to_string())),
            None => Err(Error::Fenced(format!("{} is gone", self.path.display()))),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave it with any program that is just being started.
        let _ = self.file.unlock();
    }
}

/// Who holds the run in `folder` at the moment.
pub(crate) fn holder(folder: &Folder) -> Option<Holder> {
    let path = folder.lock();
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&path),
        _ => None,
    }
}

/// The last token in the file; the lock on it unless it was taken over.
async fn lock_file(path: &Path, take_over: bool) -> Result<(Option<File>, Option<Holder>)> {
    let began = std::time::Instant::now();
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(Error::file("open", path))?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok((Some(file), read(path))),
            // Somebody put another file in its place while this one was opened.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if take_over => return Ok((None, read(path))),
            Err(TryLockError::WouldBlock) if began.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::WouldBlock) => {
                let holder = read(path).unwrap_or_else(|| Holder {
                    pid: 0,
                    host: "an unknown host".to_owned(),
                    since: Timestamp::UNIX_EPOCH,
                    token: 0,
                });
                let what = format!("the run in {}", path.parent().unwrap_or(path).display());
                return Err(Error::Held { what, holder });
            }
            Err(TryLockError::Error(error)) => return Err(Error::file("lock", path)(error)),
        }
    }
}

/// A new file, locked before it has the name.
fn put_in_place(path: &Path, holder: &Holder) -> Result<File> {
    let side = files::beside(path, &format!(".{}", holder.pid));
    let mut file = files::create(&side).map_err(Error::file("create", &side))?;
    file.try_lock().map_err(std::io::Error::from).map_err(Error::file("lock", &side))?;
    file.write_all(&files::json(holder)).and_then(|()| file.sync_all()).map_err(Error::file("write", &side))?;
    fs::rename(&side, path).map_err(Error::file("replace", path))?;
    files::sync_parent(path)?;
    Ok(file)
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(ours), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (ours.dev(), ours.ino()) == (there.dev(), there.ino())
}

fn read(path: &Path) -> Option<Holder> {
    let mut text = String::new();
    File::open(path).ok()?.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// PostgreSQL keeps 63 bytes, so the host comes last.
fn application_name(holder: &Holder) -> String {
    let name = format!("{APPLICATION} {} {}@{}", holder.token, holder.pid, holder.host);
    name.chars().filter(|letter| letter.is_ascii_graphic() || *letter == ' ').filter(|letter| *letter != '\'').collect()
}

async fn open(url: &DatabaseUrl, holder: &Holder) -> Result<Client> {
    let client = url.connect().await?;
    client
        .batch_execute(&format!("SET application_name = '{}'", application_name(holder)))
        .await
        .map_err(Error::sql("naming a session"))?;
    Ok(client)
}

async fn take_advisory_lock(session: &Client, url: &DatabaseUrl, take_over: bool) -> Result<()> {
    let asking = || Error::sql("taking the lock of the database");
    let began = std::time::Instant::now();
    loop {
        let row = session.query_one("SELECT pg_try_advisory_lock($1)", &[&ADVISORY_LOCK]).await.map_err(asking())?;
        if row.get(0) {
            return Ok(());
        }
        if take_over {
            end_others(session).await?;
        }
        // Sessions of a tool that was killed just now are about to end.
        if began.elapsed() < PATIENCE || (take_over && began.elapsed() < 20 * PATIENCE) {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let sql = "SELECT a.application_name::text, a.backend_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database
                WHERE datname = current_database())
            AND l.classid::bigint = $1::bigint >> 32 AND l.objid::bigint = $1::bigint & 4294967295";
        let row = session.query_opt(sql, &[&ADVISORY_LOCK]).await.map_err(asking())?;
        let holder = row.map_or_else(
            || Holder { pid: 0, host: "an unknown host".to_owned(), since: Timestamp::UNIX_EPOCH, token: 0 },
            |row| named(row.get(0), row.get(1)),
        );
        return Err(Error::Held { what: format!("{url}"), holder });
    }
}

/// Whom a session's name speaks of.
fn named(name: &str, since: Timestamp) -> Holder {
    let mut words = name.strip_prefix(APPLICATION).unwrap_or_default().split_whitespace();
    let token = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let (pid, host) = words.next().and_then(|word| word.split_once('@')).unwrap_or(("0", name));
    Holder { pid: pid.parse().unwrap_or(0), host: host.to_owned(), since, token }
}

/// Ends the sessions of tools before this one, and of programs they had started.
async fn end_others(session: &Client) -> Result<()> {
    let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE application_name LIKE $1 AND pid <> pg_backend_pid() AND datname = current_database()";
    let pattern = format!("{APPLICATION} %");
    session.query(sql, &[&pattern]).await.map_err(Error::sql("ending sessions of an earlier tool"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Holder, application_name, named};

    #[test]
    fn session_names_say_who_holds_the_database() {
        let since = "2026-03-01T12:00:00Z".parse().unwrap();
        let holder = Holder { pid: 42, host: "db-1.internal".to_owned(), since, token: 7 };
        assert_eq!(named(&application_name(&holder), since), holder);
        assert_eq!(named("psql", since).host, "psql");
    }
}
