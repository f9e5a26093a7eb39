//! One round after the other: what was committed since the last one, in the order of numbers.

use tokio_postgres::Client;

use super::Position;
use super::apply::{Change, Copy};
use crate::capture::shapes;
use crate::{Error, Result};

/// How many changes are one transaction of the copy.
const BATCH: u32 = 2_000;

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// How many changes it applied.
    pub applied: u64,
    /// Whether it is of now, and not one that had been broken off.
    pub fresh: bool,
}

/// Applies everything that is committed now and not in the copy. `each` is told how many of how many are done.
///
/// The session of the copy must run its triggers as a replica does: what they and cascades did is in the log itself.
pub async fn round(live: &Client, copy: &Client, each: impl AsyncFnMut(u64, u64) -> Result<()>) -> Result<Round> {
    let done = round_seen(live, copy, each).await?;
    live.batch_execute("COMMIT").await.map_err(Error::sql("reading the change log"))?;
    Ok(done)
}

/// The same, and the transaction of `live` stays open: after a fresh round it sees what the copy holds, and no more.
pub(super) async fn round_seen(
    live: &Client,
    copy: &Client,
    mut each: impl AsyncFnMut(u64, u64) -> Result<()>,
) -> Result<Round> {
    let reading = || Error::sql("reading the change log");
    let writing = || Error::sql("applying the change log");
    let mut position = Position::read(copy).await?.ok_or_else(|| {
        Error::refused(
            "the copy was not restored to its end",
            "run `pyairtable-platform cutover rollback --full` again",
        )
    })?;
    live.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(reading())?;
    let now: String =
        live.query_one("SELECT pg_catalog.pg_current_snapshot()::text", &[]).await.map_err(reading())?.get(0);
    // A round that was broken off is finished first: it goes on behind the last change it applied.
    let fresh = position.target.is_none();
    let target = position.target.get_or_insert(now).clone();
    let shapes = shapes(live).await?;
    let condition = position.condition(&target);
    let sql = format!("SELECT count(*) FROM pyairtable_cutover.changes c WHERE {condition}");
    let total = live.query_one(&sql, &[]).await.map_err(reading())?.get::<_, i64>(0).unsigned_abs();
    let sql = format!(
        "DECLARE changes NO SCROLL CURSOR FOR SELECT c.id, c.shape, c.operation, c.key, c.image
        FROM pyairtable_cutover.changes c WHERE {condition} ORDER BY c.id"
    );
    live.batch_execute(&sql).await.map_err(reading())?;
    let mut into = Copy::new(copy, &shapes);
    let mut applied = 0;
    loop {
        let rows = live.query(&format!("FETCH {BATCH} FROM changes"), &[]).await.map_err(reading())?;
        let changes: Vec<Change> = rows.iter().map(Change::of).collect();
        copy.batch_execute("BEGIN").await.map_err(writing())?;
        into.apply(&changes).await?;
        let count = changes.len() as u64;
        applied += count;
        position.applied += i64::try_from(count).unwrap_or(0);
        let over = count < u64::from(BATCH);
        if over {
            position.base.clone_from(&target);
            (position.target, position.after) = (None, 0);
        } else if let Some(last) = changes.last() {
            position.after = last.id;
        }
        position.write(copy).await?;
        copy.batch_execute("COMMIT").await.map_err(writing())?;
        each(applied, total).await?;
        if over {
            break;
        }
    }
    live.batch_execute("CLOSE changes").await.map_err(reading())?;
    Ok(Round { applied, fresh })
}
