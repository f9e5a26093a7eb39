//! Reading the chains back: verification, export, anchors.
//!
//! The chain alone cannot tell that its newest records were cut off. Anchors can: an anchor is the head of a chain,
//! kept outside the database, and a chain must still contain every anchor taken of it.

use std::iter::Peekable;
use std::vec;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{AuditKey, PAGE, Record, TENANTS};
use crate::{Error, FromRow, Row, SystemTx, get};

/// A record as it is stored; its JSON form is what `audit export` writes and can be checked like the table itself.
#[derive(Debug, Serialize, Deserialize)]
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
    #[serde(serialize_with = "as_hex", deserialize_with = "from_hex")]
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
            id: self.id,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Broken {
    /// A record is missing: removed, or moved.
    Missing {
        /// The position where it should be.
        seq: i64,
        /// The position of the record that was found in its place.
        found_seq: i64,
        /// That record's id.
        found_id: Uuid,
    },
    /// A record does not fit its signature: it was changed, moved here from elsewhere, or written without the key.
    Changed {
        /// Its position.
        seq: i64,
        /// Its id.
        id: Uuid,
    },
    /// The chain ends before an anchor taken of it: its end was cut off.
    CutOff {
        /// The anchor's position.
        anchor_seq: i64,
        /// The position of the last record there is; 0 if there is none.
        last_seq: i64,
    },
    /// The record at an anchor's position is another than when the anchor was taken: the chain was written anew by
    /// somebody who has the key.
    Rewritten {
        /// The anchor's position.
        seq: i64,
        /// The id of the record that stands there now.
        id: Uuid,
    },
}

/// Checks the records of one chain, which come in their order, and holds them against the anchors taken of it.
pub struct Walk<'a> {
    key: &'a AuditKey,
    tenant: Uuid,
    anchors: Peekable<vec::IntoIter<&'a Anchor>>,
    seq: i64,
    mac: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// At the start of a tenant's chain; anchors of other tenants are left aside.
    pub fn new(key: &'a AuditKey, tenant: Uuid, anchors: &'a [Anchor]) -> Self {
        let mut anchors: Vec<&Anchor> = anchors.iter().filter(|anchor| anchor.tenant_id == tenant).collect();
        anchors.sort_by_key(|anchor| anchor.seq);
        Self { key, tenant, anchors: anchors.into_iter().peekable(), seq: 0, mac: Vec::new() }
    }

    /// The position of the last record that was good.
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// Takes the next record.
    pub fn step(&mut self, stored: &Stored) -> Result<(), Broken> {
        if stored.seq != self.seq + 1 {
            return Err(Broken::Missing { seq: self.seq + 1, found_seq: stored.seq, found_id: stored.id });
        }
        if stored.tenant_id != self.tenant || self.key.mac(&stored.record(), &self.mac) != stored.mac {
            return Err(Broken::Changed { seq: stored.seq, id: stored.id });
        }
        while let Some(anchor) = self.anchors.next_if(|anchor| anchor.seq <= stored.seq) {
            if anchor.seq != stored.seq || anchor.mac != hex(&stored.mac) {
                return Err(Broken::Rewritten { seq: stored.seq, id: stored.id });
            }
        }
        self.seq = stored.seq;
        self.mac.clone_from(&stored.mac);
        Ok(())
    }

    /// After the last record: the chain's head, if it has any record.
    pub fn end(mut self) -> Result<Option<Anchor>, Broken> {
        match self.anchors.next() {
            Some(anchor) => Err(Broken::CutOff { anchor_seq: anchor.seq, last_seq: self.seq }),
            None => Ok((self.seq > 0).then(|| Anchor { tenant_id: self.tenant, seq: self.seq, mac: hex(&self.mac) })),
        }
    }
}

/// The tenants that have a chain.
pub async fn tenants(tx: &SystemTx) -> Result<Vec<Uuid>, Error> {
    tx.rows(&TENANTS, &[]).await?.iter().map(|row| get(row, "tenant_id")).collect()
}

/// Records of one chain after position `after`, in order; empty at the end.
pub async fn page(tx: &SystemTx, tenant: Uuid, after: i64) -> Result<Vec<Stored>, Error> {
    tx.all(&PAGE, &[&tenant, &after]).await
}

/// Walks one chain and tells `progress` after each page how many records it had. Returns the chain's head if it is
/// whole, or its first broken place.
pub async fn verify(
    tx: &SystemTx,
    key: &AuditKey,
    tenant: Uuid,
    anchors: &[Anchor],
    mut progress: impl FnMut(usize),
) -> Result<Result<Option<Anchor>, Broken>, Error> {
    let mut walk = Walk::new(key, tenant, anchors);
    loop {
        let records = page(tx, tenant, walk.seq()).await?;
        if records.is_empty() {
            return Ok(walk.end());
        }
        if let Err(broken) = records.iter().try_for_each(|record| walk.step(record)) {
            return Ok(Err(broken));
        }
        progress(records.len());
    }
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

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or_else(|| serde::de::Error::custom("a signature is not hexadecimal"))
}
