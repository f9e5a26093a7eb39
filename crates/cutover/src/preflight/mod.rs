//! Everything that can be known before anything is changed: named checks, each with what is so and what to do about it.
//!
//! Invariants:
//! - It only looks: read-only transactions, no transaction id, no lock but that of reading. It proves that itself
//!   (`only-reads`).
//! - It takes little time whatever the size: what cannot be counted in it is said to be uncounted, not left out.
//! - Each alarm names its remedy. A test breaks a database for each check and expects that one and no other.

mod activity;
mod again;
mod data;
mod machine;
mod redis;
mod schema;
mod sequences;
mod server;
mod services;
mod session;
mod step;
mod verdict;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use db::DatabaseUrl;
use db::migrate::{self, MigrateError};
use kernel::{Clock, Redacted};

pub(crate) use self::again::again;
use self::session::Session;
pub use self::step::Preflight;
pub use self::verdict::{Report, Severity, Verdict};
use crate::Result;
use crate::config::Service;
use crate::run::Tools;

/// What is looked at.
pub struct Inputs {
    /// The database.
    pub url: DatabaseUrl,
    /// What is around it.
    pub surroundings: Surroundings,
    /// What the old services were started with.
    pub services: Vec<Service>,
    /// PostgreSQL's client programs.
    pub tools: Tools,
    /// Where the backup will be.
    pub backup: PathBuf,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is still good.
    pub limits: Limits,
}

/// What this program is configured with, as far as it matters for a take-over.
#[derive(Clone, Default)]
pub struct Surroundings {
    /// Where the database is, in the words of [`crate::config::Key::compared`]; nothing if it cannot be said.
    pub database_place: Option<String>,
    /// The Redis of the old services.
    pub redis: Option<::redis::Client>,
    /// Where that is.
    pub redis_place: Option<String>,
    /// The key that this program will sign with.
    pub jwt_secret: Option<Redacted<String>>,
    /// Where the new service will listen.
    pub ports: Vec<SocketAddr>,
    /// The gateway, as `HOST:PORT`.
    pub gateway: Option<String>,
}

/// What is still good.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections that this program needs.
    pub connections: u32,
    /// How long somebody's transaction may last.
    pub transaction: Duration,
    /// How long a session may idle in one.
    pub idle: Duration,
    /// How long somebody may have waited for a lock.
    pub lock_wait: Duration,
    /// Bytes that a standby may be behind.
    pub lag: u64,
    /// Percent of `autovacuum_freeze_max_age` that a table may be old.
    pub age: u32,
    /// Dead rows that are too few to speak of.
    pub dead_rows: u64,
    /// How far two clocks may be apart.
    pub skew: Duration,
    /// Free space, as so many times the size of the database.
    pub space: u64,
    /// How long rows may be counted; none for as long as it takes.
    pub counting: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 28,
            transaction: Duration::from_mins(1),
            idle: Duration::from_secs(15),
            lock_wait: Duration::from_secs(1),
            lag: 64 << 20,
            age: 80,
            dead_rows: 10_000,
            skew: Duration::from_secs(2),
            space: 3,
            counting: Some(Duration::from_secs(5)),
        }
    }
}

impl Limits {
    /// What stands for `$limit` in the query of a check.
    fn of(self, check: &str) -> String {
        match check {
            "connection-room" => self.connections.to_string(),
            "long-transactions" => self.transaction.as_millis().to_string(),
            "idle-in-transaction" => self.idle.as_millis().to_string(),
            "lock-waiters" => self.lock_wait.as_millis().to_string(),
            "replication-lag" => self.lag.to_string(),
            "wraparound" => self.age.to_string(),
            "bloat" => self.dead_rows.to_string(),
            _ => String::new(),
        }
    }
}

/// Looks at everything.
pub async fn look(inputs: &Inputs) -> Result<Report> {
    Box::pin(everything(inputs)).await
}

async fn everything(inputs: &Inputs) -> Result<Report> {
    let mut checks = services::check(inputs);
    checks.push(machine::ports(inputs));
    let (catalogs, counts, redis, gateway) =
        tokio::join!(catalogs(inputs), counts(inputs), redis::check(inputs), machine::gateway(inputs));
    checks.extend(catalogs?);
    checks.extend(counts?);
    checks.extend(redis);
    checks.push(gateway);
    Ok(Report::of(checks))
}

async fn catalogs(inputs: &Inputs) -> Result<Vec<Verdict>> {
    let session = Session::open(&inputs.url, inputs.limits).await?;
    let mut found = Vec::new();
    for look in [server::LOOKS, activity::LOOKS, schema::LOOKS, schema::RIGHTS].into_iter().flatten() {
        found.push(session.look(look).await);
    }
    found.push(sequences::check(&session).await);
    found.push(machine::programs(inputs, &session).await);
    found.extend(machine::space(inputs, &session).await);
    found.push(session.only_read().await);
    drop(session);
    found.push(wire::pooler(&inputs.url).await?);
    found.push(wire::clocks(&inputs.url, inputs.clock.as_ref(), inputs.limits).await?);
    found.push(migrations(&inputs.url).await);
    Ok(found)
}

/// Rows are counted by a few sessions at once, each of which takes the next check.
async fn counts(inputs: &Inputs) -> Result<Vec<Verdict>> {
    let until = inputs.limits.counting.map(|time| Instant::now() + time);
    let next = AtomicUsize::new(0);
    let counter = async || -> Result<Vec<Verdict>> {
        let mut session = Session::open(&inputs.url, inputs.limits).await?;
        session.has_room().await?;
        session.hurry(until);
        let mut found = Vec::new();
        while let Some(look) = data::LOOKS.get(next.fetch_add(1, Ordering::Relaxed)) {
            found.push(session.look(look).await);
        }
        session.hurry(None);
        let only_read = session.only_read().await;
        if only_read.severity != Severity::Ok {
            found.push(only_read);
        }
        Ok(found)
    };
    let (first, second, third) = tokio::join!(counter(), counter(), counter());
    Ok([first?, second?, third?].concat())
}

async fn migrations(url: &DatabaseUrl) -> Verdict {
    const CHECK: &str = "migrations";
    match migrate::status(url).await {
        Ok(all) => {
            let pending = all.iter().filter(|one| one.applied_at.is_none()).count();
            Verdict::ok(CHECK, format!("{pending} of {} are still to be applied", all.len()))
        }
        Err(error @ (MigrateError::Newer { .. } | MigrateError::Changed { .. })) => {
            Verdict::stop(CHECK, error.to_string(), "use the newest pyairtable-platform that worked on this database")
        }
        Err(error) => Verdict::stop(CHECK, error.to_string(), "see the server's log"),
    }
}
