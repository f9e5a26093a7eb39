//! Work that is done after a transaction, and that is written by it: either the change and its job last, or neither.
//!
//! Workers of all replicas take jobs with `FOR UPDATE SKIP LOCKED`. Taking one puts it off by the length of a lease and
//! writes the lease's id on it; whoever finishes it deletes it under that id, in the transaction of its effect. A job is
//! therefore done at least once, and its effect in the database exactly once: a worker that was given up for dead finds
//! another's id.
//!
//! Jobs that wait for something outside (`Db::take_fairly`) are taken in turns: first over tenants, then over the lanes of
//! each. A tenant and a lane have a share of the places of every worker, so that what does not get on leaves room for what
//! does.
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
    TAKE = "UPDATE jobs SET lease = $1, run_at = $2, attempt = attempt + 1
        WHERE id IN (SELECT id FROM jobs WHERE kind = $3 AND run_at <= $4 ORDER BY run_at LIMIT $5
            FOR UPDATE SKIP LOCKED)
        RETURNING id, tenant_id, lane, payload::text AS payload, attempt";
    INSERT_ALL = "INSERT INTO jobs (id, kind, tenant_id, lane, payload, run_at, created_at)
        SELECT id, $1, $2, lane, payload::json, run_at, $3
        FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[]) AS one (id, lane, payload, run_at)";
    /// For the rest of the transaction: plans made while the table was empty would read all of it once a lane.
    BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)";
    // Hops from lane to lane through the index, so what it costs does not grow with what waits in them; and not at all
    // while nothing is due, which is most of the time. A turn counts
    // what the worker is at already: whoever has least of it is next.
    TAKE_FAIRLY = "WITH RECURSIVE busy AS (
            SELECT tenant_id, lane FROM unnest($6::uuid[], $7::uuid[]) AS one (tenant_id, lane)),
        lanes AS (
            (SELECT tenant_id, lane FROM jobs
                WHERE kind = $3 AND EXISTS (SELECT FROM jobs WHERE kind = $3 AND run_at <= $4)
                ORDER BY tenant_id, lane LIMIT 1)
            UNION ALL
            SELECT next.tenant_id, next.lane FROM lanes CROSS JOIN LATERAL (
                SELECT tenant_id, lane FROM jobs
                WHERE kind = $3 AND (jobs.tenant_id, jobs.lane) > (lanes.tenant_id, lanes.lane)
                ORDER BY tenant_id, lane LIMIT 1) next),
        waiting AS (
            SELECT job.id, job.run_at, lanes.tenant_id, at_it.jobs
                + row_number() OVER (PARTITION BY lanes.tenant_id, lanes.lane ORDER BY job.run_at) AS turn
            FROM lanes
            CROSS JOIN LATERAL (
                SELECT count(*) AS jobs FROM busy
                WHERE busy.tenant_id = lanes.tenant_id AND busy.lane = lanes.lane) at_it
            CROSS JOIN LATERAL (
                SELECT id, run_at FROM jobs
                WHERE kind = $3 AND jobs.tenant_id = lanes.tenant_id AND jobs.lane = lanes.lane AND run_at <= $4
                ORDER BY run_at LIMIT greatest($9 - at_it.jobs, 0)) job),
        ranked AS (
            SELECT id, run_at, (SELECT count(*) FROM busy WHERE busy.tenant_id = waiting.tenant_id)
                + row_number() OVER (PARTITION BY tenant_id ORDER BY turn, run_at) AS turn
            FROM waiting)
        UPDATE jobs SET lease = $1, run_at = $2, attempt = attempt + 1
        WHERE id IN (
            SELECT id FROM jobs
            WHERE id IN (SELECT id FROM ranked WHERE turn <= $8 ORDER BY turn, run_at LIMIT $5) AND run_at <= $4
            FOR UPDATE SKIP LOCKED)
        RETURNING id, tenant_id, lane, payload::text AS payload, attempt";
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
    /// What it waits for outside; nil for nothing.
    pub lane: Uuid,
    /// What the worker needs to know.
    pub payload: String,
    /// From 1.
    pub attempt: i32,
}

/// How much a worker takes on.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// At once.
    pub places: usize,
    /// At most so many of them for one tenant.
    pub tenant: usize,
    /// At most so many of these for one lane.
    pub lane: usize,
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

    /// Leaves work of one kind behind: each piece with its lane, and when it may be done.
    pub async fn enqueue_all(
        &self,
        cx: &Ctx,
        (kind, tenant): (&'static str, TenantId),
        jobs: impl IntoIterator<Item = (Uuid, String, Timestamp)>,
    ) -> Result<(), Error> {
        let jobs: Vec<_> = jobs.into_iter().collect();
        for some in jobs.chunks(MOST_ROWS) {
            let ids: Vec<Uuid> = some.iter().map(|_| cx.new_id()).collect();
            let lanes: Vec<Uuid> = some.iter().map(|(lane, ..)| *lane).collect();
            let payloads: Vec<&str> = some.iter().map(|(_, payload, _)| payload.as_str()).collect();
            let times: Vec<Timestamp> = some.iter().map(|(.., run_at)| *run_at).collect();
            let written =
                self.execute(&INSERT_ALL, &[&kind, &tenant.0, &cx.now(), &ids, &lanes, &payloads, &times]).await?;
            if written != some.len() as u64 {
                return Err(Error::RowCount { statement: INSERT_ALL.name, rows: written });
            }
        }
        Ok(())
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
        rows.iter().map(|row| leased(row, id)).collect()
    }

    /// Takes due jobs of `kind` in turns, as many as a worker has places for that is at `busy` already: the tenants and
    /// lanes of what it took before.
    pub async fn take_fairly(
        &self,
        cx: &Ctx,
        kind: &str,
        shares: Shares,
        busy: &[(TenantId, Uuid)],
        lease: Duration,
    ) -> Result<Vec<Leased>, Error> {
        let count = |places: usize| i64::try_from(places).unwrap_or(i64::MAX);
        let (id, now): (Uuid, Timestamp) = (cx.new_id(), cx.now());
        let (tenants, lanes): (Vec<Uuid>, Vec<Uuid>) = busy.iter().map(|(tenant, lane)| (tenant.0, *lane)).unzip();
        let free = count(shares.places.saturating_sub(busy.len()));
        let (tenant, lane) = (count(shares.tenant), count(shares.lane));
        let tx = self.begin_system(cx, REASON).await?;
        tx.rows(&BY_INDEX, &[]).await?;
        let rows =
            tx.rows(&TAKE_FAIRLY, &[&id, &(now + lease), &kind, &now, &free, &tenants, &lanes, &tenant, &lane]).await?;
        tx.commit().await?;
        rows.iter().map(|row| leased(row, id)).collect()
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

/// The lane of what waits for nothing outside.
pub const NO_LANE: Uuid = Uuid::nil();

/// Of one statement, so that none takes long.
const MOST_ROWS: usize = 1000;

fn leased(row: &Row, lease: Uuid) -> Result<Leased, Error> {
    Ok(Leased {
        id: get(row, "id")?,
        lease,
        tenant: TenantId(get(row, "tenant_id")?),
        lane: get(row, "lane")?,
        payload: get(row, "payload")?,
        attempt: get(row, "attempt")?,
    })
}

const REASON: &str = "workers serve all tenants";

fn held(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}
