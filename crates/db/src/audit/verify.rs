//! Reading the chains back: verification, export, anchors.
//!
//! The chain alone cannot tell that its newest records were cut off. Anchors can: an anchor is the head of a chain,
//! kept outside the database, and a chain must still contain every anchor taken of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{AuditKey, PAGE, Record, TENANTS};
use crate::{Error, FromRow, Row, SystemTx, get};

/// A record as it is stored; its JSON form is what `audit export` writes.
#[derive(Debug, Serialize)]
pub struct Stored {
    /// The record's id.
    pub id: Uuid,
    /// The chain.
    pub tenant_id: Uuid,
    /// The position in it, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `user`, `service`, `anonymous` or `system`.
    pub actor_kind: String,
    /// The person, or the job's name.
    pub actor_id: Option<String>,
    /// What happened.
    pub action: String,
    /// To what kind of thing.
    pub resource_type: String,
    /// To which one.
    pub resource_id: String,
    /// The changes, as they were signed.
    pub changes: Box<RawValue>,
    /// The request.
    pub request_id: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The client's program.
    pub user_agent: Option<String>,
    /// The HMAC, in hexadecimal.
    #[serde(serialize_with = "as_hex")]
    pub mac: Vec<u8>,
}

impl FromRow for Stored {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let changes: String = get(row, "changes")?;
        Ok(Self {
            id: get(row, "id")?,
            tenant_id: get(row, "tenant_id")?,
            seq: get(row, "seq")?,
            at: get(row, "at")?,
            actor_kind: get(row, "actor_kind")?,
            actor_id: get(row, "actor_id")?,
            action: get(row, "action")?,
            resource_type: get(row, "resource_type")?,
            resource_id: get(row, "resource_id")?,
            // The column's type admits nothing else.
            changes: RawValue::from_string(changes).unwrap_or_default(),
            request_id: get(row, "request_id")?,
            ip: get(row, "ip")?,
            user_agent: get(row, "user_agent")?,
            mac: get(row, "mac")?,
        })
    }
}

impl Stored {
    fn record(&self) -> Record<'_> {
        Record {
            tenant: self.tenant_id,
            seq: self.seq,
            at: self.at,
            actor_kind: &self.actor_kind,
            actor_id: self.actor_id.as_deref(),
            action: &self.action,
            resource_type: &self.resource_type,
            resource_id: &self.resource_id,
            changes: self.changes.get(),
            request_id: self.request_id.as_deref(),
            ip: self.ip.as_deref(),
            user_agent: self.user_agent.as_deref(),
        }
    }
}

/// The head of a chain at some time, to be kept outside the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The chain.
    pub tenant_id: Uuid,
    /// The position of the head.
    pub seq: i64,
    /// Its HMAC, in hexadecimal.
    pub mac: String,
}

/// What is wrong with a chain, at its first broken place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// A record is missing: removed, or moved.
    Missing {
        /// The position where it should be.
        seq: i64,
    },
    /// A record does not fit its signature: it, or the one before it, was changed.
    Changed {
        /// Its position.
        seq: i64,
        /// Its id.
        id: Uuid,
    },
    /// The chain ends before an anchor taken of it, or holds another record there: its end was cut off or rewritten.
    AnchorLost {
        /// The anchor's position.
        seq: i64,
    },
}

/// The tenants that have a chain.
pub async fn tenants(tx: &SystemTx) -> Result<Vec<Uuid>, Error> {
    tx.rows(&TENANTS, &[]).await?.iter().map(|row| get(row, "tenant_id")).collect()
}

/// Records of one chain after position `after`, in order; empty at the end.
pub async fn page(tx: &SystemTx, tenant: Uuid, after: i64) -> Result<Vec<Stored>, Error> {
    tx.all(&PAGE, &[&tenant, &after]).await
}

/// Walks one chain. Returns its head if it is whole, or its first broken place.
pub async fn verify(
    tx: &SystemTx,
    key: &AuditKey,
    tenant: Uuid,
    anchors: &[Anchor],
) -> Result<Result<Option<Anchor>, Broken>, Error> {
    let mut expected: Vec<&Anchor> = anchors.iter().filter(|anchor| anchor.tenant_id == tenant).collect();
    expected.sort_by_key(|anchor| anchor.seq);
    let mut expected = expected.into_iter().peekable();
    let (mut seq, mut mac) = (0, Vec::new());
    loop {
        let records = page(tx, tenant, seq).await?;
        if records.is_empty() {
            break;
        }
        for stored in records {
            if stored.seq != seq + 1 {
                return Ok(Err(Broken::Missing { seq: seq + 1 }));
            }
            if key.mac(&stored.record(), &mac) != stored.mac {
                return Ok(Err(Broken::Changed { seq: stored.seq, id: stored.id }));
            }
            while let Some(anchor) = expected.next_if(|anchor| anchor.seq <= stored.seq) {
                if anchor.seq == stored.seq && anchor.mac != hex(&stored.mac) {
                    return Ok(Err(Broken::AnchorLost { seq: anchor.seq }));
                }
            }
            (seq, mac) = (stored.seq, stored.mac);
        }
    }
    if let Some(anchor) = expected.next() {
        return Ok(Err(Broken::AnchorLost { seq: anchor.seq }));
    }
    Ok(Ok((seq > 0).then(|| Anchor { tenant_id: tenant, seq, mac: hex(&mac) })))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[expect(clippy::ptr_arg, reason = "the signature serde asks for")]
fn as_hex<S: serde::Serializer>(bytes: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}
