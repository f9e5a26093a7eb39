//! Work that is done after a transaction, and that is written by it: either the change and its job last, or neither.
//!
//! Workers of all replicas take jobs with `FOR UPDATE SKIP LOCKED`. Taking one puts it off by the length of a lease and
//! writes the lease's id on it; whoever finishes it deletes it under that id, in the transaction of its effect. A job is
//! therefore done at least once, and its effect in the database exactly once: a worker that was given up for dead finds
//! another's id.
//!
//! A library was passed over because those there are bring a driver or a pool of their own, and then the job could not
//! be written by the transaction it belongs to.

use std::time::Duration;

use jiff::Timestamp;
use kernel::{Ctx, TenantId};
use uuid::Uuid;

use crate::{Db, Error, FromRow, Row, Tx, get, statements};

statements! {
    INSERT = "INSERT INTO jobs (id, kind, tenant_id, payload, run_at, created_at)
        VALUES ($1, $2, $3, $4::text::json, $5, $6)";
    INSERT_ALL = "INSERT INTO jobs (id, kind, tenant_id, payload, run_at, created_at)
        SELECT job.id, $1, $2, job.payload::json, job.run_at, $3
        FROM unnest($4::uuid[], $5::text[], $6::timestamptz[]) AS job (id, payload, run_at)";
    TAKE = "UPDATE jobs SET lease = $1, run_at = $2, attempt = attempt + 1
        WHERE id IN (SELECT id FROM jobs WHERE kind = $3 AND run_at <= $4 ORDER BY run_at LIMIT $5
            FOR UPDATE SKIP LOCKED)
        RETURNING id, tenant_id, payload::text AS payload, attempt";
    FINISH = "DELETE FROM jobs WHERE id = $1 AND lease = $2";
    EXTEND = "UPDATE jobs SET run_at = $3 WHERE id = $1 AND lease = $2";
    PUT_OFF = "UPDATE jobs SET run_at = $3, error = $4, lease = NULL WHERE id = $1 AND lease = $2";
    BACKLOG = "SELECT kind, count(*) AS due, min(run_at) AS oldest, max(attempt) AS attempts FROM jobs
        WHERE run_at <= $1 GROUP BY kind ORDER BY kind";
}

/// Work to be done.
#[derive(Debug, Clone)]
pub struct Job {
    /// Decides which worker takes it.
    pub kind: &'static str,
    /// Whose rows it is about.
    pub tenant: TenantId,
    /// What the worker needs to know, as JSON. Never secrets.
    pub payload: String,
    /// Not before.
    pub run_at: Timestamp,
}

/// A job that this worker has for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The job.
    pub id: Uuid,
    /// This worker's hold on it.
    pub lease: Uuid,
    /// Whose rows it is about.
    pub tenant: TenantId,
    /// What the worker needs to know.
    pub payload: String,
    /// From 1.
    pub attempt: i32,
}

/// What waits to be done of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The kind.
    pub kind: String,
    /// How many are due.
    pub due: i64,
    /// Since when the oldest is.
    pub oldest: Timestamp,
    /// The most attempts one of them has had.
    pub attempts: i32,
}

impl FromRow for Backlog {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            kind: get(row, "kind")?,
            due: get(row, "due")?,
            oldest: get(row, "oldest")?,
            attempts: get(row, "attempts")?,
        })
    }
}

impl Tx {
    /// Leaves work behind for when this transaction is committed; returns the job's id.
    pub async fn enqueue(&self, cx: &Ctx, job: &Job) -> Result<Uuid, Error> {
        let id: Uuid = cx.new_id();
        self.write_one(&INSERT, &[&id, &job.kind, &job.tenant.0, &job.payload, &job.run_at, &cx.now()]).await?;
        Ok(id)
    }

    /// The same for many jobs of one kind: their payloads, and when each may be done.
    pub async fn enqueue_all(
        &self,
        cx: &Ctx,
        kind: &'static str,
        tenant: TenantId,
        jobs: &[(String, Timestamp)],
    ) -> Result<(), Error> {
        let ids: Vec<Uuid> = jobs.iter().map(|_| cx.new_id()).collect();
        let payloads: Vec<&str> = jobs.iter().map(|(payload, _)| payload.as_str()).collect();
        let times: Vec<Timestamp> = jobs.iter().map(|(_, run_at)| *run_at).collect();
        self.execute(&INSERT_ALL, &[&kind, &tenant.0, &cx.now(), &ids, &payloads, &times]).await.map(drop)
    }

    /// The job is done, together with whatever this transaction did for it.
    pub async fn finish(&self, job: &Leased) -> Result<(), Error> {
        held(self.execute(&FINISH, &[&job.id, &job.lease]).await?)
    }
}

impl Db {
    /// Takes up to `most` due jobs of `kind` for the length of `lease`.
    pub async fn take(&self, cx: &Ctx, kind: &str, most: i64, lease: Duration) -> Result<Vec<Leased>, Error> {
        let (id, now): (Uuid, Timestamp) = (cx.new_id(), cx.now());
        let tx = self.begin_system(cx, REASON).await?;
        let rows = tx.rows(&TAKE, &[&id, &(now + lease), &kind, &now, &most]).await?;
        tx.commit().await?;
        let leased = |row: &Row| {
            Ok(Leased {
                id: get(row, "id")?,
                lease: id,
                tenant: TenantId(get(row, "tenant_id")?),
                payload: get(row, "payload")?,
                attempt: get(row, "attempt")?,
            })
        };
        rows.iter().map(leased).collect()
    }

    /// Holds on to a job that takes longer.
    pub async fn extend(&self, cx: &Ctx, job: &Leased, lease: Duration) -> Result<(), Error> {
        let tx = self.begin_system(cx, REASON).await?;
        held(tx.execute(&EXTEND, &[&job.id, &job.lease, &(cx.now() + lease)]).await?)?;
        tx.commit().await
    }

    /// Gives a job back, to be done later.
    pub async fn put_off(&self, cx: &Ctx, job: &Leased, until: Timestamp, error: &str) -> Result<(), Error> {
        let tx = self.begin_system(cx, REASON).await?;
        held(tx.execute(&PUT_OFF, &[&job.id, &job.lease, &until, &error]).await?)?;
        tx.commit().await
    }

    /// What is due and not yet done, by kind.
    pub async fn backlog(&self, cx: &Ctx) -> Result<Vec<Backlog>, Error> {
        self.read_system(REASON).await?.all(&BACKLOG, &[&cx.now()]).await
    }
}

const REASON: &str = "workers serve all tenants";

fn held(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}
