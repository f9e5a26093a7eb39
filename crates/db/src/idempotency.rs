//! Requests that are carried out once however often they are sent.
//!
//! A request first claims its key. The transaction that makes the change marks the claim, so either both last or
//! neither; the answer is kept afterwards. A crash in between leaves a marked claim without an answer, which is never
//! carried out again. A claim that was never marked may be taken over once its time is up: the attempt that lost it
//! finds its own id gone when it comes to commit, and changes nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kernel::Ctx;
use uuid::Uuid;

use crate::{Db, Error, FromRow, Row, get, statements};

/// How long an answer is kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// How long an attempt may take before another takes over; longer than any request may.
const LEASE: Duration = Duration::from_secs(30);

statements! {
    CLAIM = "INSERT INTO idempotency_keys AS held
            (id, caller, key_digest, request_digest, locked_until, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT ON CONSTRAINT idempotency_keys_caller_key_digest_key DO UPDATE SET
            id = excluded.id, request_digest = excluded.request_digest, locked_until = excluded.locked_until,
            applied = false, answer = NULL, created_at = excluded.created_at, expires_at = excluded.expires_at
        WHERE held.expires_at <= excluded.created_at
            OR (NOT held.applied AND held.answer IS NULL AND held.locked_until <= excluded.created_at)";
    HELD = "SELECT request_digest, locked_until, applied, answer FROM idempotency_keys WHERE caller = $1 AND key_digest = $2";
    KEEP = "UPDATE idempotency_keys SET answer = $2 WHERE id = $1";
    RELEASE = "DELETE FROM idempotency_keys WHERE id = $1 AND NOT applied";
    EXPIRE = "DELETE FROM idempotency_keys WHERE id IN
        (SELECT id FROM idempotency_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)";
}

/// By the transaction of the change, whichever role it runs as.
pub(crate) const MARK: crate::Sql =
    crate::Sql::fixed("db::idempotency::MARK", "UPDATE idempotency_keys SET applied = true WHERE id = $1");

/// A request and its key, as far as the database is to know them.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whose key it is: two callers' keys never meet.
    pub caller: String,
    /// A digest of the key.
    pub key: Vec<u8>,
    /// A keyed digest of everything that makes it this request and no other.
    pub content: Vec<u8>,
}

/// What became of an attempt to claim a key.
#[derive(Debug)]
pub enum Claim {
    /// Go on, and make the changes under this id.
    Won(Uuid),
    /// It was answered before; sealed.
    Answered(Vec<u8>),
    /// Another attempt is at it.
    Running,
    /// It was carried out, but its answer was lost.
    AnswerLost,
    /// The key belongs to another request.
    OtherContent,
}

struct Held {
    content: Vec<u8>,
    locked_until: Timestamp,
    applied: bool,
    answer: Option<Vec<u8>>,
}

impl FromRow for Held {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self {
            content: get(row, "request_digest")?,
            locked_until: get(row, "locked_until")?,
            applied: get(row, "applied")?,
            answer: get(row, "answer")?,
        })
    }
}

const REASON: &str = "a key may be used before its caller has a tenant";

impl Db {
    /// Claims a key, or says what it stands for already.
    pub async fn claim(&self, cx: &Ctx, request: &Request) -> Result<Claim, Error> {
        let (id, now): (Uuid, Timestamp) = (cx.new_id(), cx.now());
        let tx = self.begin_system(cx, REASON).await?;
        let Request { caller, key, content } = request;
        let won = tx.execute(&CLAIM, &[&id, caller, key, content, &(now + LEASE), &now, &(now + KEPT)]).await?;
        if won == 1 {
            tx.commit().await?;
            return Ok(Claim::Won(id));
        }
        Ok(match tx.find::<Held>(&HELD, &[caller, key]).await? {
            Some(held) if held.content != *content => Claim::OtherContent,
            Some(Held { answer: Some(answer), .. }) => Claim::Answered(answer),
            // Until its time is up, the answer may only be on its way.
            Some(Held { applied: true, locked_until, .. }) if locked_until <= now => Claim::AnswerLost,
            // Released between the two statements: the client comes again and finds it free.
            Some(_) | None => Claim::Running,
        })
    }

    /// Keeps the sealed answer for whoever sends the request again.
    pub async fn keep_answer(&self, cx: &Ctx, claim: Uuid, answer: &[u8]) -> Result<(), Error> {
        let tx = self.begin_system(cx, REASON).await?;
        if tx.execute(&KEEP, &[&claim, &answer]).await? == 1 {
            return tx.commit().await;
        }
        Err(Error::ClaimLost)
    }

    /// Gives a key back whose request changed nothing. A change that was made after all keeps it.
    pub async fn release(&self, cx: &Ctx, claim: Uuid) -> Result<(), Error> {
        let tx = self.begin_system(cx, REASON).await?;
        let _released = tx.execute(&RELEASE, &[&claim]).await?;
        tx.commit().await
    }

    /// Deletes keys whose answers are no longer kept; returns how many.
    pub async fn delete_expired_keys(&self, cx: &Ctx) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let tx = self.begin_system(cx, "a job over all callers").await?;
            let rows = tx.execute(&EXPIRE, &[&cx.now()]).await?;
            tx.commit().await?;
            deleted += rows;
            if rows < 1000 {
                return Ok(deleted);
            }
        }
    }
}
