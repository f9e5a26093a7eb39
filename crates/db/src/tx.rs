//! Transactions, and reads without one.
//!
//! The first statement travels in one flush with what must come before it (`BEGIN` and the tenant, or the tenant
//! alone), so isolation by the database costs no round trip of its own. The connection is held exclusively from the
//! check-out on, and every check-out sets the tenant anew before its first statement: a tenant left on a pooled
//! connection is never read.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use futures_util::future;
use kernel::{Conditions, TenantId, Versioned};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

use crate::audit::AuditKey;
use crate::{Error, FromRow, Sql, idempotency};

/// Whether statements share a transaction, and whose rows they see.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    Transaction(Option<TenantId>),
    Read(Option<TenantId>),
}

/// What a transaction is made of.
pub(crate) struct Parts {
    pub(crate) connection: Object,
    pub(crate) answer_limit: Duration,
    pub(crate) audit_key: AuditKey,
    pub(crate) conditions: Arc<Conditions>,
}

/// Statements on one exclusively held connection. Slices hold a [`TenantTx`] or a [`SystemTx`].
pub struct Tx {
    /// `None` only while being dropped.
    connection: Option<Object>,
    scope: Scope,
    started: AtomicBool,
    finished: bool,
    /// A statement failed, so PostgreSQL would answer `COMMIT` with a silent rollback.
    aborted: AtomicBool,
    /// The connection is in an unknown state and must not go back to the pool.
    broken: AtomicBool,
    answer_limit: Duration,
    audit_key: AuditKey,
    conditions: Arc<Conditions>,
}

/// A view of one tenant's rows. The tenant comes from the request context; row-level security holds the same line a
/// second time inside the database.
pub struct TenantTx(Tx);

/// A view across tenants, for what has no tenant yet (log-in, refresh) or spans them (super admins, jobs).
pub struct SystemTx(Tx);

impl TenantTx {
    pub(crate) fn new(parts: Parts, scope: Scope) -> Self {
        Self(Tx::new(parts, scope))
    }

    /// The tenant whose rows are visible.
    pub const fn tenant(&self) -> TenantId {
        match self.0.scope {
            Scope::Transaction(Some(tenant)) | Scope::Read(Some(tenant)) => tenant,
            Scope::Transaction(None) | Scope::Read(None) => unreachable!(),
        }
    }

    /// Makes the changes durable and visible.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await
    }
}

impl SystemTx {
    pub(crate) fn new(parts: Parts, scope: Scope, reason: &'static str) -> Self {
        tracing::trace!(reason, "system transaction");
        Self(Tx::new(parts, scope))
    }

    /// Makes the changes durable and visible.
    pub async fn commit(self) -> Result<(), Error> {
        self.0.commit().await
    }
}

impl Deref for TenantTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.0
    }
}

impl Deref for SystemTx {
    type Target = Tx;

    fn deref(&self) -> &Tx {
        &self.0
    }
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Tx {
    fn new(Parts { connection, answer_limit, audit_key, conditions }: Parts, scope: Scope) -> Self {
        Self {
            connection: Some(connection),
            scope,
            // Reads across tenants have nothing to send before their first statement.
            started: AtomicBool::new(matches!(scope, Scope::Read(None))),
            finished: false,
            aborted: AtomicBool::new(false),
            broken: AtomicBool::new(false),
            answer_limit,
            audit_key,
            conditions,
        }
    }

    pub(crate) const fn audit_key(&self) -> &AuditKey {
        &self.audit_key
    }

    /// All rows.
    pub async fn all<T: FromRow>(&self, sql: &Sql, params: Params<'_>) -> Result<Vec<T>, Error> {
        self.rows(sql, params).await?.iter().map(T::from_row).collect()
    }

    /// The first row, if there is one.
    pub async fn find<T: FromRow>(&self, sql: &Sql, params: Params<'_>) -> Result<Option<T>, Error> {
        self.rows(sql, params).await?.first().map(T::from_row).transpose()
    }

    /// The first column of the only row: counts, `EXISTS`, `RETURNING id`.
    pub async fn scalar<T>(&self, sql: &Sql, params: Params<'_>) -> Result<T, Error>
    where
        T: for<'a> tokio_postgres::types::FromSql<'a>,
    {
        let rows = self.rows(sql, params).await?;
        let row = rows.first().ok_or(Error::RowCount { statement: sql.name, rows: 0 })?;
        row.try_get(0).map_err(|source| Error::Other { statement: sql.name, source })
    }

    /// The rows as the driver has them.
    pub async fn rows(&self, sql: &Sql, params: Params<'_>) -> Result<Vec<Row>, Error> {
        let statement = self.prepare(sql).await?;
        self.run(sql.name, self.connection().query(&statement, params)).await
    }

    /// Runs a statement for its effect and returns the number of rows it touched. Callers check it.
    #[must_use = "a write that touched no row is usually an error"]
    pub async fn execute(&self, sql: &Sql, params: Params<'_>) -> Result<u64, Error> {
        let statement = self.prepare(sql).await?;
        self.run(sql.name, self.connection().execute(&statement, params)).await
    }

    /// Runs a statement that must touch exactly one row.
    pub async fn write_one(&self, sql: &Sql, params: Params<'_>) -> Result<(), Error> {
        match self.execute(sql, params).await? {
            1 => Ok(()),
            rows => Err(Error::RowCount { statement: sql.name, rows }),
        }
    }

    /// A lock of the whole transaction on an arbitrary key, for invariants that no row stands for yet.
    pub async fn lock(&self, space: &str, key: &str) -> Result<(), Error> {
        const LOCK: Sql = Sql::fixed("db::LOCK", "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))");
        let key = format!("{space}:{key}");
        self.rows(&LOCK, &[&key]).await.map(drop)
    }

    /// Refuses to go on unless `before`, read under its lock, is as the client knows it (`If-Match`). Every change of
    /// an existing object passes here; a transaction that left it out cannot be committed under such a demand.
    pub fn if_match(&self, before: &impl Versioned) -> Result<(), Error> {
        if self.conditions.hold_for(before) { Ok(()) } else { Err(Error::Changed) }
    }

    async fn prepare(&self, sql: &Sql) -> Result<Statement, Error> {
        let prepared = self.limited(self.connection().prepare_cached(&sql.text)).await?;
        prepared.map_err(|error| self.failed(sql.name, error))
    }

    async fn run<T>(
        &self,
        name: &'static str,
        statement: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let result = if self.started.swap(true, Ordering::Relaxed) {
            self.limited(statement).await?
        } else {
            let prelude = self.prelude();
            // Both messages are written before either answer is awaited; the order of polling is the order sent.
            let first = self.connection().batch_execute(&prelude);
            let (first, answer) = self.limited(future::join(first, statement)).await?;
            // Without the prelude the statement ran for whichever tenant the connection served last.
            first.map_err(|error| self.failed("begin", error))?;
            answer
        };
        tracing::debug!(
            statement = name,
            micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX),
            failed = result.is_err(),
            "query"
        );
        result.map_err(|error| self.failed(name, error))
    }

    fn prelude(&self) -> String {
        match self.scope {
            Scope::Transaction(Some(tenant)) => format!("BEGIN; SET LOCAL app.tenant_id = '{tenant}'"),
            Scope::Transaction(None) => "BEGIN".to_owned(),
            Scope::Read(Some(tenant)) => format!("SET app.tenant_id = '{tenant}'"),
            Scope::Read(None) => unreachable!("has no prelude"),
        }
    }

    /// A frozen server fires none of its own time limits; the connection is then given up.
    async fn limited<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        tokio::time::timeout(self.answer_limit, work).await.map_err(|_| {
            self.broken.store(true, Ordering::Relaxed);
            Error::Timeout("answer")
        })
    }

    fn failed(&self, name: &'static str, error: tokio_postgres::Error) -> Error {
        self.aborted.store(true, Ordering::Relaxed);
        Error::from_driver(name, error)
    }

    fn connection(&self) -> &Object {
        self.connection.as_ref().expect("the connection is there until the transaction is dropped")
    }

    async fn commit(mut self) -> Result<(), Error> {
        if matches!(self.scope, Scope::Transaction(_)) && self.started.load(Ordering::Relaxed) {
            if self.aborted.load(Ordering::Relaxed) {
                return Err(Error::Aborted);
            }
            if self.conditions.are_unmet() {
                return Err(Error::Unversioned);
            }
            if let Some(claim) = self.conditions.claim() {
                // In the same transaction as the change: a crash right after it cannot lead to a second one.
                if self.execute(&idempotency::MARK, &[&claim]).await? != 1 {
                    return Err(Error::ClaimLost);
                }
            }
            let answer = self.limited(self.connection().batch_execute("COMMIT")).await?;
            answer.map_err(|error| self.failed("commit", error))?;
            self.conditions.mark_applied();
        }
        self.finished = true;
        Ok(())
    }
}

impl Drop for Tx {
    /// What was not committed is rolled back before the connection can be used again.
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if *self.broken.get_mut() {
            drop(Object::take(connection));
            return;
        }
        let open = matches!(self.scope, Scope::Transaction(_)) && *self.started.get_mut() && !self.finished;
        if !open {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(connection));
            return;
        };
        let limit = self.answer_limit;
        runtime.spawn(async move {
            let rolled_back = tokio::time::timeout(limit, connection.batch_execute("ROLLBACK")).await;
            if !matches!(rolled_back, Ok(Ok(()))) {
                drop(Object::take(connection));
            }
        });
    }
}
