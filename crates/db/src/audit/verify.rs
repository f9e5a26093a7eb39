//! Reading the chains back: verification, export, anchors.
//!
//! The chain alone cannot tell that its newest records were cut off. Anchors can: an anchor is the head of a chain,
//! kept outside the database, and a chain must still contain every anchor taken of it.

use std::iter::Peekable;
use std::vec;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::{events, hex};
use super::{AuditKey, Record, Trail};
use crate::{Error, SystemTx, get};

/// A chain: a tenant's in one trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChainId {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The trail's name.
    #[serde(default = "events")]
    pub trail: String,
}

/// The head of a chain at some time, to be kept outside the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// The chain.
    #[serde(flatten)]
    pub chain: ChainId,
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
    /// A record is gone whose signature, kept apart from it, is still there.
    Removed {
        /// Its position.
        seq: i64,
        /// Its id.
        id: Uuid,
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
    chain: ChainId,
    anchors: Peekable<vec::IntoIter<&'a Anchor>>,
    seq: i64,
    mac: Vec<u8>,
}

impl<'a> Walk<'a> {
    /// At the start of a chain; anchors of others are left aside.
    pub fn new(key: &'a AuditKey, chain: ChainId, anchors: &'a [Anchor]) -> Self {
        let mut anchors: Vec<&Anchor> = anchors.iter().filter(|anchor| anchor.chain == chain).collect();
        anchors.sort_by_key(|anchor| anchor.seq);
        Self { key, chain, anchors: anchors.into_iter().peekable(), seq: 0, mac: Vec::new() }
    }

    /// The position of the last record that was good.
    pub const fn seq(&self) -> i64 {
        self.seq
    }

    /// Takes the next record.
    pub fn step(&mut self, stored: &Record) -> Result<(), Broken> {
        if stored.seq != self.seq + 1 {
            return Err(Broken::Missing { seq: self.seq + 1, found_seq: stored.seq, found_id: stored.id });
        }
        if stored.removed {
            return Err(Broken::Removed { seq: stored.seq, id: stored.id });
        }
        let elsewhere = stored.tenant_id != self.chain.tenant_id || stored.trail != self.chain.trail;
        if elsewhere || self.key.mac(stored, &self.mac) != stored.mac {
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
            None => Ok((self.seq > 0).then(|| Anchor { chain: self.chain, seq: self.seq, mac: hex(&self.mac) })),
        }
    }
}

/// The chains of a trail.
pub async fn chains(tx: &SystemTx, trail: &Trail) -> Result<Vec<ChainId>, Error> {
    let rows = tx.rows(&trail.tenants, &[]).await?;
    rows.iter().map(|row| Ok(ChainId { tenant_id: get(row, "tenant_id")?, trail: trail.name.to_owned() })).collect()
}

/// Records of one chain after position `after`, in order; empty at the end. `None` is before the first, wherever that
/// stands: one that was put at a position below 1 must be seen too.
pub async fn page(tx: &SystemTx, trail: &Trail, tenant: Uuid, after: Option<i64>) -> Result<Vec<Record>, Error> {
    match after.map_or(Some(i64::MIN), |after| after.checked_add(1)) {
        Some(from) => tx.all(&trail.page, &[&tenant, &from]).await,
        None => Ok(Vec::new()),
    }
}

/// Walks one chain and tells `progress` after each page how many records it had. Returns the chain's head if it is
/// whole, or its first broken place.
pub async fn verify(
    tx: &SystemTx,
    trail: &Trail,
    key: &AuditKey,
    tenant: Uuid,
    anchors: &[Anchor],
    mut progress: impl FnMut(usize),
) -> Result<Result<Option<Anchor>, Broken>, Error> {
    let mut walk = Walk::new(key, ChainId { tenant_id: tenant, trail: trail.name.to_owned() }, anchors);
    let mut after = None;
    loop {
        let records = page(tx, trail, tenant, after).await?;
        if records.is_empty() {
            return Ok(walk.end());
        }
        if let Err(broken) = records.iter().try_for_each(|record| walk.step(record)) {
            return Ok(Err(broken));
        }
        after = Some(walk.seq());
        progress(records.len());
    }
}
