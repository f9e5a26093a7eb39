//! Migrations: numbered SQL files, each applied once, in order, under an advisory lock.
//!
//! Every file is additive and safe beside running old services (T-40): it may meet a database that already has the
//! tables, as tables or as views (T-41), in `public` or elsewhere on the search path. Each file runs in one
//! transaction that never waits long for a lock: while it waits, every later reader of the table waits behind it, so
//! it gives up after 25 ms and tries again.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

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
            sql: include_str!(concat!("../migrations/V", stringify!($version), "__", $name, ".sql")),
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

/// How long a lock may be waited for before the migration steps aside. It is also the longest time that others can
/// be held up behind it.
const LOCK_TIMEOUT: Duration = Duration::from_millis(25);
/// How long a migration keeps trying before it is given up.
const PATIENCE: Duration = Duration::from_mins(2);
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
         end it and run `pyairtable-platform migrate up` again",
        PATIENCE.as_secs()
    )]
    Locked {
        /// Position in the sequence.
        version: i32,
        /// What it does.
        name: String,
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
    let client = url.connect().await?;
    if pending(&client).await?.is_empty() {
        return Ok(Vec::new());
    }
    // Held by the session, so it is released even when the program is killed.
    run(&client, "SELECT pg_advisory_lock($1)", &[&ADVISORY_LOCK]).await?;
    client.batch_execute(HISTORY_TABLE).await.map_err(|error| {
        let history = Migration { version: 0, name: "history", sql: HISTORY_TABLE };
        classify(&history, &error)
    })?;
    let mut applied = Vec::new();
    for migration in pending(&client).await? {
        apply(&client, &migration).await?;
        applied.push(Status { version: migration.version, name: migration.name.to_owned(), applied_at: None });
    }
    // Who serves with a role that owns nothing still has to see that nothing is missing.
    let grant = format!("GRANT SELECT ON platform_migrations TO {}", crate::SYSTEM_ROLE);
    client.batch_execute(&grant).await.map_err(|error| Error::from_driver("migrations", error))?;
    run(&client, "SELECT pg_advisory_unlock($1)", &[&ADVISORY_LOCK]).await?;
    Ok(applied)
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

async fn pending(client: &Client) -> Result<Vec<Migration>, MigrateError> {
    let applied = applied(client).await?;
    check(&applied)?;
    let done = |version| applied.iter().any(|row| row.version == version);
    Ok(MIGRATIONS.iter().filter(|migration| !done(migration.version)).copied().collect())
}

async fn apply(client: &Client, migration: &Migration) -> Result<(), MigrateError> {
    let began = Instant::now();
    let record = format!(
        "INSERT INTO platform_migrations (version, name, checksum, applied_by) VALUES ({}, '{}', '{}', '{}')",
        migration.version,
        migration.name,
        checksum(migration.sql),
        env!("CARGO_PKG_VERSION"),
    );
    let batch =
        format!("BEGIN; SET LOCAL lock_timeout = {}; {}\n; {record}; COMMIT", LOCK_TIMEOUT.as_millis(), migration.sql);
    let mut attempt = 0_u32;
    loop {
        attempt += 1;
        let Err(error) = client.batch_execute(&batch).await else {
            tracing::info!(
                version = migration.version,
                migration = migration.name,
                attempt,
                millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
                "migration applied"
            );
            return Ok(());
        };
        // The connection may be gone; the first error is the one worth telling.
        if client.batch_execute("ROLLBACK").await.is_err() {
            return Err(classify(migration, &error));
        }
        if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
            return Err(classify(migration, &error));
        }
        if began.elapsed() > PATIENCE {
            return Err(MigrateError::Locked { version: migration.version, name: migration.name.to_owned() });
        }
        if attempt.is_multiple_of(20) {
            tracing::info!(version = migration.version, attempt, "waiting for a lock that another transaction holds");
        }
        // Spread, so that the attempts do not keep step with whatever holds the lock.
        tokio::time::sleep(Duration::from_millis(20 + u64::from(attempt.wrapping_mul(37) % 80))).await;
    }
}

fn classify(migration: &Migration, error: &tokio_postgres::Error) -> MigrateError {
    let (version, name) = (migration.version, migration.name.to_owned());
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
