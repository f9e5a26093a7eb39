//! Migrations: numbered SQL files, each applied once, in order, under an advisory lock.
//!
//! Every file is additive and safe beside running old services (T-40): it may meet a database that already has the
//! tables, as tables or as views (T-41), in `public` or elsewhere on the search path. Each file runs in one
//! transaction that never waits long for a lock: while it waits, every later reader of the table waits behind it, so
//! it gives up after 25 ms and tries again. What a file would do to tables that services are using is done before it,
//! statement by statement (`plan.rs`, `online.rs`).

mod indexes;
mod online;
mod plan;

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

pub use self::online::{Blocker, Event, Limits, StepAside, step_aside};
use self::online::{PATIENCE, Runner};
pub use self::plan::{Extent, Piece, Way};
use crate::{DatabaseUrl, Error};

/// One SQL file.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Position in the sequence, from the file's name.
    pub version: i32,
    /// What it does, from the file's name.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$(Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../migrations/V", stringify!($version), "__", $name, ".sql")),
        }),*]
    };
}

/// All migrations of this program, in order. A test holds this list against the folder.
pub const MIGRATIONS: &[Migration] = migrations![
    1 "roles",
    2 "tenants",
    3 "users",
    4 "sessions",
    5 "audit",
    6 "invitations",
    7 "workspaces",
    8 "idempotency",
    9 "list_indexes",
    10 "jobs",
    11 "notifications",
    12 "webhooks",
    13 "workspace_audit_chain",
    14 "notification_templates",
    15 "notification_channels",
    16 "job_lanes",
    17 "account_changes",
];

/// "pyairtable migrations" as a number: the key of the advisory lock.
const ADVISORY_LOCK: i64 = 0x7079_6169_7274_0001;

/// Where one migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Position in the sequence.
    pub version: i32,
    /// What it does.
    pub name: String,
    /// When it was applied, if it was.
    pub applied_at: Option<jiff::Timestamp>,
}

/// Why migrating was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database was migrated by a newer program.
    #[error(
        "the database is at schema version {database}, this program knows only {program}: \
         start the newer pyairtable-platform, or restore the backup taken before the upgrade"
    )]
    Newer {
        /// The database's version.
        database: i32,
        /// The program's version.
        program: i32,
    },
    /// An applied file differs from the program's.
    #[error(
        "migration {version} ({name}) was applied with other contents than this program has: \
         the file was changed after it was released; use the program that applied it"
    )]
    Changed {
        /// Position in the sequence.
        version: i32,
        /// What it does.
        name: String,
    },
    /// Locks could not be had.
    #[error(
        "migration {version} ({name}) could not get its locks within {} s: a long transaction holds one; \
         find it with SELECT pid, query FROM pg_stat_activity WHERE state <> 'idle' ORDER BY xact_start, \
         end it and run the command again{blockers}",
        PATIENCE.as_secs()
    )]
    Locked {
        /// Position in the sequence.
        version: i32,
        /// What it does.
        name: String,
        /// Who was in the way last, each after a semicolon.
        blockers: String,
    },
    /// The log-in role may not do it.
    #[error(
        "migration {version} ({name}): {message}. The role in DATABASE_URL must own the tables and may create roles; \
         run `pyairtable-platform migrate up --database-url postgres://OWNER@...` once with such a role"
    )]
    Privilege {
        /// Position in the sequence.
        version: i32,
        /// What it does.
        name: String,
        /// What PostgreSQL said.
        message: String,
    },
    /// The file failed.
    #[error("migration {version} ({name}) failed and was rolled back: {message}")]
    Failed {
        /// Position in the sequence.
        version: i32,
        /// What it does.
        name: String,
        /// What PostgreSQL said.
        message: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Brings the database to this program's schema. Returns what was applied now; safe to run from many replicas at once.
pub async fn up(url: &DatabaseUrl) -> Result<Vec<Status>, MigrateError> {
    let Some(expansion) = Expansion::open(url, Extent::Schema, Limits::default()).await? else { return Ok(Vec::new()) };
    let mut applied = Vec::new();
    for piece in expansion.pieces() {
        expansion.run(piece, &mut |_| {}).await?;
        if piece.way == Way::File {
            applied.push(Status { version: piece.version, name: piece.name.to_owned(), applied_at: None });
        }
    }
    expansion.close().await?;
    Ok(applied)
}

/// What there is to do to a database now, with the lock that keeps all others from doing it. Dropping it releases the
/// lock; what was run stays, and the next one goes on from there.
pub struct Expansion {
    client: Client,
    watcher: Client,
    pieces: Vec<Piece>,
    limits: Limits,
}

impl Expansion {
    /// Waits for the lock and looks what there is to do; nothing if there is nothing. `extent` says whether the indexes
    /// are part of it that lists and look-ups need on tables with rows.
    pub async fn open(url: &DatabaseUrl, extent: Extent, limits: Limits) -> Result<Option<Self>, MigrateError> {
        let client = connect(url).await?;
        if plan::plan(&client, extent).await?.is_empty() {
            return Ok(None);
        }
        lock(&client).await?;
        let watcher = url.connect().await?;
        let pieces = plan::plan(&client, extent).await?;
        Ok(Some(Self { client, watcher, pieces, limits }))
    }

    /// Waits for the lock, for statements of somebody else's making that want the same manners.
    pub async fn of(url: &DatabaseUrl, pieces: Vec<Piece>, limits: Limits) -> Result<Self, MigrateError> {
        let client = connect(url).await?;
        lock(&client).await?;
        let watcher = url.connect().await?;
        Ok(Self { client, watcher, pieces, limits })
    }

    /// What to run, in this order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Runs one of them. `look_on` is told what happens.
    pub async fn run(
        &self,
        piece: &Piece,
        look_on: &mut (dyn FnMut(Event<'_>) + Send + Sync),
    ) -> Result<(), MigrateError> {
        let Self { client, watcher, limits, .. } = self;
        Runner { client, watcher, limits: *limits, look_on }.run(piece).await
    }

    /// Lets others have the lock. Without it, they have it as soon as the server sees that the connection is gone.
    pub async fn close(self) -> Result<(), MigrateError> {
        run(&self.client, "SELECT pg_advisory_unlock($1)", &[&ADVISORY_LOCK]).await?;
        Ok(())
    }
}

/// What [`Expansion::open`] would find now. Only reads.
pub async fn planned(url: &DatabaseUrl, extent: Extent) -> Result<Vec<Piece>, MigrateError> {
    plan::plan(&url.connect().await?, extent).await
}

/// The `application_name` of whoever migrates: what it writes is told apart from what the program does when it serves.
pub const SESSION_NAME: &str = "pyairtable-platform migrations";

async fn connect(url: &DatabaseUrl) -> Result<Client, Error> {
    let client = url.connect().await?;
    let sql = format!("SET application_name = '{SESSION_NAME}'");
    client.batch_execute(&sql).await.map_err(|error| Error::from_driver("migrations", error))?;
    Ok(client)
}

/// One migrates, the others wait. The session holds it, so it is released even when the program is killed.
async fn lock(client: &Client) -> Result<(), Error> {
    loop {
        // Not pg_advisory_lock: whoever waits in a statement holds a snapshot, for which a concurrent build of the one
        // who has the lock would wait in turn.
        let got = run(client, "SELECT pg_try_advisory_lock($1)", &[&ADVISORY_LOCK]).await?;
        if got.first().is_some_and(|row| row.get(0)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Where every migration stands, without changing anything.
pub async fn status(url: &DatabaseUrl) -> Result<Vec<Status>, MigrateError> {
    let client = url.connect().await?;
    let applied = applied(&client).await?;
    check(&applied)?;
    Ok(MIGRATIONS
        .iter()
        .map(|migration| Status {
            version: migration.version,
            name: migration.name.to_owned(),
            applied_at: applied.iter().find(|row| row.version == migration.version).map(|row| row.at),
        })
        .collect())
}

const HISTORY_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS platform_migrations (
        version integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        applied_by text NOT NULL
    )";

struct Applied {
    version: i32,
    name: String,
    checksum: String,
    at: jiff::Timestamp,
}

async fn applied(client: &Client) -> Result<Vec<Applied>, Error> {
    let exists = run(client, "SELECT to_regclass('platform_migrations') IS NOT NULL", &[]).await?;
    if !exists.first().is_some_and(|row| row.get(0)) {
        return Ok(Vec::new());
    }
    let rows = run(client, "SELECT version, name, checksum, applied_at FROM platform_migrations ORDER BY version", &[])
        .await?;
    Ok(rows
        .iter()
        .map(|row| Applied { version: row.get(0), name: row.get(1), checksum: row.get(2), at: row.get(3) })
        .collect())
}

fn check(applied: &[Applied]) -> Result<(), MigrateError> {
    let program = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if let Some(newest) = applied.last().filter(|row| row.version > program) {
        return Err(MigrateError::Newer { database: newest.version, program });
    }
    for row in applied {
        let known = MIGRATIONS.iter().find(|migration| migration.version == row.version);
        if known.is_none_or(|migration| checksum(migration.sql) != row.checksum) {
            return Err(MigrateError::Changed { version: row.version, name: row.name.clone() });
        }
    }
    Ok(())
}

fn classify(version: i32, name: &str, error: &tokio_postgres::Error) -> MigrateError {
    let name = name.to_owned();
    let Some(db) = error.as_db_error() else {
        return MigrateError::Failed { version, name, message: error.to_string() };
    };
    let message = match db.hint() {
        Some(hint) => format!("{} ({hint})", db.message()),
        None => db.message().to_owned(),
    };
    if db.code() == &SqlState::INSUFFICIENT_PRIVILEGE {
        MigrateError::Privilege { version, name, message }
    } else {
        MigrateError::Failed { version, name, message }
    }
}

fn checksum(sql: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(sql).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

async fn run(
    client: &Client,
    sql: &'static str,
    params: &[&(dyn tokio_postgres::types::ToSql + Sync)],
) -> Result<Vec<tokio_postgres::Row>, Error> {
    client.query(sql, params).await.map_err(|error| Error::from_driver("migrations", error))
}

/// One value that changes whenever any migration does: names test templates.
pub fn fingerprint() -> String {
    let all: String = MIGRATIONS.iter().map(|migration| checksum(migration.sql)).collect();
    checksum(&all)[..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn list_names_every_file_of_the_folder_in_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort_by_key(|name| name[1..name.find("__").unwrap()].parse::<i32>().unwrap());
        let listed: Vec<String> = MIGRATIONS.iter().map(|one| format!("V{}__{}.sql", one.version, one.name)).collect();
        assert_eq!(listed, files);
        assert!(MIGRATIONS.iter().map(|one| one.version).zip(1..).all(|(version, expected)| version == expected));
    }
}
