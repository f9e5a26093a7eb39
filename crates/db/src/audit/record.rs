//! A record as it is stored and signed.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{ChainId, EVENTS_NAME};
use crate::{Error, FromRow, Row, get};

/// A record; its JSON form is what `audit export` writes and can be checked like the tables themselves.
#[derive(Debug, Serialize, Deserialize)]
pub struct Record {
    /// The record's id.
    pub id: Uuid,
    /// The trail it is in.
    #[serde(default = "events")]
    pub trail: String,
    /// Whose chain it is in.
    pub tenant_id: Uuid,
    /// The position in it, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `user`, `service`, `anonymous` or `system`.
    pub actor_kind: String,
    /// The person, or the job's name.
    pub actor_id: Option<String>,
    /// What happened: `user.updated`.
    pub action: String,
    /// To what kind of thing: `user`.
    pub resource_type: String,
    /// To which one.
    pub resource_id: String,
    /// A JSON object, `{"field": {"old": .., "new": ..}}`, or `null`, as it was signed.
    pub changes: Box<RawValue>,
    /// The workspace it happened in, where the trail is of workspaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<String>,
    /// The request.
    pub request_id: Option<String>,
    /// The client's address.
    pub ip: Option<String>,
    /// The client's program.
    pub user_agent: Option<String>,
    /// The HMAC, in hexadecimal.
    #[serde(serialize_with = "as_hex", deserialize_with = "from_hex")]
    pub mac: Vec<u8>,
    /// Only the signature is left, where it is kept apart from the record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl Record {
    /// The chain it is in.
    pub fn chain(&self) -> ChainId {
        ChainId { tenant_id: self.tenant_id, trail: self.trail.clone() }
    }
}

impl FromRow for Record {
    fn from_row(row: &Row) -> Result<Self, Error> {
        let changes: String = get(row, "changes")?;
        Ok(Self {
            id: get(row, "id")?,
            trail: get(row, "trail")?,
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
            workspace_id: get(row, "workspace_id")?,
            request_id: get(row, "request_id")?,
            ip: get(row, "ip")?,
            user_agent: get(row, "user_agent")?,
            mac: get(row, "mac")?,
            removed: get(row, "removed")?,
        })
    }
}

/// The trail of records and anchors that name none: once there was but one.
pub(super) fn events() -> String {
    EVENTS_NAME.to_owned()
}

pub(super) fn hex(bytes: &[u8]) -> String {
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
