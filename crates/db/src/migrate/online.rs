//! Running a plan beside services that are using the tables.
//!
//! Invariants:
//! - Nobody is kept waiting longer than a lock is waited for and then held: 25 ms and 50 ms, both enforced by the server.
//! - A statement that takes its time holds nothing that readers or writers need. When somebody queues behind it with
//!   a lock that would stop readers, it is called off and tried again later.
//! - What a killed run left is what the next one finds: a file is applied or not, an index is valid or is built anew.

use std::time::{Duration, Instant};

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::plan::{Piece, Way};
use super::{MigrateError, classify, run};
use crate::Error;

/// How long a lock may be waited for before the statement steps aside. It is also the longest time that others can be
/// held up behind it.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_millis(25);
/// How long one statement may then hold what it got.
const HOLD: Duration = Duration::from_millis(50);
/// How long a statement keeps trying before it is given up.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);
/// How often the one who blocks is looked up while trying.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked up who waits behind a statement that takes its time.
const WATCH_EVERY: Duration = Duration::from_millis(20);
/// How often a build is called off before it is given up: the table is being altered by somebody else all the time.
const BUILDS: u32 = 20;

/// What happens, for whoever looks on.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A statement is about to be run.
    Begins(&'a Piece),
    /// It could not have its lock, or was called off; it is tried again.
    Waits {
        /// What waits.
        piece: &'a Piece,
        /// The attempts so far.
        attempts: u32,
        /// Who is in the way, as far as it could be seen.
        blockers: Vec<Blocker>,
    },
    /// It is done.
    Done {
        /// What was done.
        piece: &'a Piece,
        /// How many attempts it took.
        attempts: u32,
        /// How long, waiting included.
        took: Duration,
    },
}

/// Somebody who holds a lock on a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocker {
    /// The process in PostgreSQL.
    pub pid: i32,
    /// Its role and `application_name`.
    pub who: String,
    /// How long its transaction has been open, in seconds.
    pub seconds: i64,
    /// The beginning of its last statement, without the values in it.
    pub query: String,
}

impl std::fmt::Display for Blocker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "pid {} ({}) for {} s: {}", self.pid, self.who, self.seconds, self.query)
    }
}

/// Settings that only the negative controls of tests change.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a lock is waited for; none waits for good.
    pub lock: Option<Duration>,
    /// How long a statement may hold it.
    pub hold: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lock: Some(LOCK_TIMEOUT), hold: Some(HOLD) }
    }
}

pub(super) struct Runner<'a> {
    pub(super) client: &'a Client,
    /// A second session: the first cannot be asked while it works.
    pub(super) watcher: &'a Client,
    pub(super) limits: Limits,
    pub(super) look_on: &'a mut (dyn FnMut(Event<'_>) + Send + Sync),
}

impl Runner<'_> {
    pub(super) async fn run(&mut self, piece: &Piece) -> Result<(), MigrateError> {
        (self.look_on)(Event::Begins(piece));
        let began = Instant::now();
        let attempts = match piece.way {
            Way::Concurrently { index } => self.build(piece, index).await?,
            Way::Brief | Way::File => self.transaction(piece).await?,
        };
        (self.look_on)(Event::Done { piece, attempts, took: began.elapsed() });
        Ok(())
    }

    async fn transaction(&mut self, piece: &Piece) -> Result<u32, MigrateError> {
        let Self { client, watcher, mut limits, .. } = *self;
        if piece.way != Way::Brief {
            limits.hold = None;
        }
        let look_on = &mut self.look_on;
        let mut waits = |attempts: u32, blockers: Vec<Blocker>| {
            tracing::info!(version = piece.version, attempts, ?blockers, "waiting for a lock that others hold");
            look_on(Event::Waits { piece, attempts, blockers });
        };
        let done = step_aside(client, watcher, limits, &piece.sql, piece.table, &mut waits).await;
        done.map_err(|error| match error {
            StepAside::Sql(error) => classify(piece.version, piece.name, &error),
            StepAside::Locked(blockers) => MigrateError::Locked {
                version: piece.version,
                name: piece.name.to_owned(),
                blockers: listed(&blockers),
            },
            StepAside::Watching(error) => error.into(),
        })
    }

    /// Builds an index while all go on reading and writing. The session's `lock_timeout` is off: it would call a build
    /// off that waits for an old snapshot, hurting nobody, and leave an invalid index behind.
    async fn build(&mut self, piece: &Piece, index: &str) -> Result<u32, MigrateError> {
        let failed = |error: &tokio_postgres::Error| classify(piece.version, piece.name, error);
        let table = piece.table.unwrap_or_default();
        for attempt in 1..=BUILDS {
            match self.state(table, index).await? {
                Some(true) => return Ok(attempt),
                Some(false) => {
                    let drop = format!("DROP INDEX CONCURRENTLY {}", self.qualified(table, index).await?);
                    if let Err(error) = self.watched(table, &drop).await? {
                        if !can_pass(&error) {
                            return Err(failed(&error));
                        }
                        self.called_off(piece, attempt).await?;
                        continue;
                    }
                }
                None => {}
            }
            match self.watched(table, &piece.sql).await? {
                Ok(()) => return Ok(attempt),
                Err(error) if can_pass(&error) => self.called_off(piece, attempt).await?,
                Err(error) => return Err(failed(&error)),
            }
        }
        let blockers = listed(&self.blockers(Some(table)).await?);
        Err(MigrateError::Locked { version: piece.version, name: piece.name.to_owned(), blockers })
    }

    async fn called_off(&mut self, piece: &Piece, attempts: u32) -> Result<(), MigrateError> {
        let blockers = self.blockers(piece.table).await?;
        tracing::info!(version = piece.version, attempts, ?blockers, "called off, because others queued up behind it");
        (self.look_on)(Event::Waits { piece, attempts, blockers });
        // Whoever queued gets the table now.
        tokio::time::sleep(Duration::from_millis(200)).await;
        Ok(())
    }

    /// Whether the index is valid, if it is there at all.
    async fn state(&self, table: &str, index: &str) -> Result<Option<bool>, Error> {
        const SQL: &str = "SELECT i.indisvalid AND i.indisready FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = to_regclass($1) AND c.relname = $2";
        Ok(run(self.client, SQL, &[&table, &index]).await?.first().map(|row| row.get(0)))
    }

    async fn qualified(&self, table: &str, index: &str) -> Result<String, Error> {
        const SQL: &str = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
            WHERE i.indrelid = to_regclass($1) AND c.relname = $2";
        let rows = run(self.client, SQL, &[&table, &index]).await?;
        Ok(rows.first().map_or_else(|| index.to_owned(), |row| row.get(0)))
    }

    /// Runs a statement that takes its time, and calls it off when somebody waits behind it whom readers would then
    /// wait behind: an ALTER TABLE, most likely an old service's that starts.
    async fn watched(&self, table: &str, sql: &str) -> Result<Result<(), tokio_postgres::Error>, Error> {
        const QUEUED: &str = "SELECT count(*) FROM pg_locks
            WHERE relation = to_regclass($1) AND NOT granted AND mode = 'AccessExclusiveLock'
            AND $2 = ANY (pg_blocking_pids(pid))";
        run_unprepared(self.client, "SET lock_timeout = 0; SET statement_timeout = 0").await?;
        let pid: i32 = run(self.client, "SELECT pg_backend_pid()", &[]).await?[0].get(0);
        let working = self.client.batch_execute(sql);
        let watching = async {
            let mut seen = 0;
            loop {
                tokio::time::sleep(WATCH_EVERY).await;
                let queued: i64 = run(self.watcher, QUEUED, &[&table, &pid]).await?[0].get(0);
                seen = if queued > 0 { seen + 1 } else { 0 };
                if seen == 2 {
                    run(self.watcher, "SELECT pg_cancel_backend($1)", &[&pid]).await?;
                }
            }
        };
        tokio::select! {
            done = working => Ok(done),
            failed = watching => {
                let failed: Result<std::convert::Infallible, Error> = failed;
                Err(match failed { Err(error) => error, Ok(never) => match never {} })
            }
        }
    }

    async fn blockers(&self, table: Option<&str>) -> Result<Vec<Blocker>, Error> {
        blockers(self.client, self.watcher, table).await
    }
}

/// Why statements that step aside were not executed.
#[derive(Debug)]
pub enum StepAside {
    /// The locks could not be had for two minutes; who held them last.
    Locked(Vec<Blocker>),
    /// The server refused a statement.
    Sql(tokio_postgres::Error),
    /// The second session failed.
    Watching(Error),
}

/// Runs `sql` in one transaction that waits no longer for a lock than the limits say, and is tried again until it gets
/// through. `waits` is told, at most once a second, how often it was tried and who is in the way. How often it was tried.
pub async fn step_aside(
    client: &Client,
    watcher: &Client,
    limits: Limits,
    sql: &str,
    table: Option<&str>,
    waits: &mut (dyn FnMut(u32, Vec<Blocker>) + Send + Sync),
) -> Result<u32, StepAside> {
    let millis = |limit: Option<Duration>| limit.map_or(0, |limit| limit.as_millis());
    // The wait is part of a statement's time.
    let hold = limits.hold.map_or(0, |hold| millis(Some(hold + limits.lock.unwrap_or_default())));
    let batch = format!(
        "BEGIN; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {hold}; {sql}\n; COMMIT",
        millis(limits.lock),
    );
    let (began, mut asked, mut attempts) = (Instant::now(), None, 0_u32);
    loop {
        attempts += 1;
        let Err(error) = client.batch_execute(&batch).await else { return Ok(attempts) };
        // The connection may be gone; the first error is the one worth telling.
        if client.batch_execute("ROLLBACK").await.is_err() || !can_pass(&error) {
            return Err(StepAside::Sql(error));
        }
        if asked.is_none_or(|at: Instant| at.elapsed() > ASK_EVERY) {
            asked = Some(Instant::now());
            waits(attempts, blockers(client, watcher, table).await.map_err(StepAside::Watching)?);
        }
        if began.elapsed() > PATIENCE {
            return Err(StepAside::Locked(blockers(client, watcher, table).await.map_err(StepAside::Watching)?));
        }
        pause(attempts).await;
    }
}

/// Who else holds a lock on the table, or in any transaction on any table if there is none, oldest first.
async fn blockers(client: &Client, watcher: &Client, table: Option<&str>) -> Result<Vec<Blocker>, Error> {
    const SQL: &str = "SELECT a.pid, coalesce(a.usename, '') || ', ' || coalesce(a.application_name, ''),
            extract(epoch FROM now() - a.xact_start)::bigint,
            regexp_replace(left(regexp_replace(a.query, '''[^'']*(''|$)|\\m\\d+\\M', '…', 'g'), 80), '\\s+', ' ', 'g')
        FROM pg_stat_activity a
        WHERE a.xact_start IS NOT NULL AND a.datname = current_database() AND a.pid <> ALL ($2)
        AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.locktype = 'relation'
            AND ($1::text IS NULL OR l.relation = to_regclass($1)))
        ORDER BY a.xact_start LIMIT 3";
    let mut own = Vec::new();
    for client in [client, watcher] {
        own.push(run(client, "SELECT pg_backend_pid()", &[]).await?[0].get::<_, i32>(0));
    }
    let rows = run(watcher, SQL, &[&table, &own]).await?;
    Ok(rows
        .iter()
        .map(|row| Blocker {
            pid: row.get(0),
            who: row.get(1),
            seconds: row.get(2),
            query: row.get::<_, Option<String>>(3).unwrap_or_default(),
        })
        .collect())
}

/// Each after a semicolon.
fn listed(blockers: &[Blocker]) -> String {
    blockers.iter().fold(String::new(), |list, one| format!("{list}; {one}"))
}

/// Whether it is worth trying again: a lock that was not to be had, a limit of time, or two that waited for each other.
fn can_pass(error: &tokio_postgres::Error) -> bool {
    [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED, SqlState::T_R_DEADLOCK_DETECTED]
        .iter()
        .any(|code| error.code() == Some(code))
}

/// Spread, so that the attempts do not keep step with whatever holds the lock.
async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(20 + u64::from(attempt.wrapping_mul(37) % 80))).await;
}

async fn run_unprepared(client: &Client, sql: &str) -> Result<(), Error> {
    client.batch_execute(sql).await.map_err(|error| Error::from_driver("migrations", error))
}
