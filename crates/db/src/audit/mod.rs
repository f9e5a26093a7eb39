//! The audit trail: every state change writes one record in its own transaction.
//!
//! Records of a tenant form a chain: each carries an HMAC over its own contents and the HMAC before it, so a changed,
//! removed or reordered record is found by whoever holds the key. The application roles may only insert and read.
//!
//! The workspace family writes `workspace_audit_logs` instead, in the old service's words; see that slice.

mod verify;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use kernel::{Actor, Ctx, Redacted, TenantId};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use uuid::Uuid;

use crate::{Error, FromRow, Row, Tx, get, statements};

pub use verify::{Anchor, Broken, Stored, Walk, page, tenants, verify};

statements! {
    HEAD = "SELECT seq, mac FROM audit_events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1";
    INSERT = "INSERT INTO audit_events (id, tenant_id, seq, at, actor_kind, actor_id, action, resource_type,
            resource_id, changes, request_id, ip, user_agent, mac)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json, $11, $12, $13, $14)";
    TENANTS = "SELECT DISTINCT tenant_id FROM audit_events ORDER BY tenant_id";
    PAGE = "SELECT id, tenant_id, seq, at, actor_kind, actor_id, action, resource_type, resource_id,
            changes::text AS changes, request_id, ip, user_agent, mac
        FROM audit_events WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT 5000";
}

/// Signs the chain: `AUDIT_KEY`.
#[derive(Clone)]
pub struct AuditKey(Redacted<Vec<u8>>);

impl AuditKey {
    /// A key of any length; 32 random bytes are right.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(Redacted::new(key.into()))
    }

    /// The HMAC of a record that follows `previous`.
    pub fn mac(&self, record: &Record<'_>, previous: &[u8]) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose()).unwrap_or_else(|_| unreachable!("any length is a key"));
        let mut field = |bytes: &[u8]| {
            // Lengths keep neighbouring fields apart: ("ab", "c") is not ("a", "bc").
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        field(previous);
        field(record.id.as_bytes());
        field(record.tenant.as_bytes());
        field(&record.seq.to_be_bytes());
        field(&record.at.as_microsecond().to_be_bytes());
        for text in [record.actor_kind, record.action, record.resource_type, record.resource_id, record.changes] {
            field(text.as_bytes());
        }
        for text in [record.actor_id, record.request_id, record.ip, record.user_agent] {
            field(&[u8::from(text.is_some())]);
            field(text.unwrap_or_default().as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }
}

/// What a record's HMAC covers.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The record's id.
    pub id: Uuid,
    /// The chain.
    pub tenant: Uuid,
    /// The position in it, from 1.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// `user`, `service`, `anonymous` or `system`.
    pub actor_kind: &'a str,
    /// The person, or the job's name.
    pub actor_id: Option<&'a str>,
    /// `user.updated`
    pub action: &'a str,
    /// `user`
    pub resource_type: &'a str,
    /// The resource's id.
    pub resource_id: &'a str,
    /// A JSON object, `{"field": {"old": .., "new": ..}}`, or `null`.
    pub changes: &'a str,
    /// The request.
    pub request_id: Option<&'a str>,
    /// The client's address.
    pub ip: Option<&'a str>,
    /// The client's program.
    pub user_agent: Option<&'a str>,
}

/// What happened, in the words of the slice it happened in.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// `resource.verb_in_the_past`
    pub action: &'static str,
    /// What kind of thing it happened to.
    pub resource_type: &'static str,
    /// Which one.
    pub resource_id: String,
    /// The tenant it happened in.
    pub tenant: TenantId,
    /// A JSON object, `{"field": {"old": .., "new": ..}}`; never secrets.
    pub changes: Option<String>,
}

/// The fields that differ between two states of a thing, as `{"field": {"old": .., "new": ..}}`; `None` if none do. A
/// missing state has no fields. When something was last changed is no change of its own.
pub fn changes<T: Serialize>(before: Option<&T>, after: Option<&T>) -> Option<String> {
    let fields = |state: Option<&T>| match state.map(serde_json::to_value) {
        Some(Ok(Value::Object(fields))) => fields,
        _ => Map::new(),
    };
    let (mut old, new) = (fields(before), fields(after));
    let mut changed = Map::new();
    for (name, value) in new {
        let was = old.remove(&name).unwrap_or(Value::Null);
        if was != value && name != "updated_at" {
            changed.insert(name, json!({ "old": was, "new": value }));
        }
    }
    for (name, was) in old {
        changed.insert(name, json!({ "old": was, "new": null }));
    }
    (!changed.is_empty()).then(|| Value::Object(changed).to_string())
}

struct Head {
    seq: i64,
    mac: Vec<u8>,
}

impl FromRow for Head {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { seq: get(row, "seq")?, mac: get(row, "mac")? })
    }
}

impl Tx {
    /// Appends `event` to its tenant's chain. Call it last: from here to the commit the tenant's other writers wait.
    pub async fn audit(&self, cx: &Ctx, event: &AuditEvent) -> Result<(), Error> {
        self.lock("audit", &event.tenant.to_string()).await?;
        let head = self.find::<Head>(&HEAD, &[&event.tenant.0]).await?.unwrap_or(Head { seq: 0, mac: Vec::new() });
        let (actor_kind, actor_id) = match &cx.actor {
            Actor::User(user) => ("user", Some(user.id.to_string())),
            Actor::Internal { user, .. } => ("service", user.map(|user| user.to_string())),
            Actor::Anonymous => ("anonymous", None),
            Actor::System(job) => ("system", Some((*job).to_owned())),
        };
        let ip = cx.origin.ip.map(|ip| ip.to_string());
        let id: Uuid = cx.new_id();
        let record = Record {
            id,
            tenant: event.tenant.0,
            seq: head.seq + 1,
            at: cx.now(),
            actor_kind,
            actor_id: actor_id.as_deref(),
            action: event.action,
            resource_type: event.resource_type,
            resource_id: &event.resource_id,
            changes: event.changes.as_deref().unwrap_or("null"),
            request_id: Some(&cx.request_id),
            ip: ip.as_deref(),
            user_agent: cx.origin.user_agent.as_deref(),
        };
        let mac = self.audit_key().mac(&record, &head.mac);
        self.write_one(
            &INSERT,
            &[
                &id,
                &record.tenant,
                &record.seq,
                &record.at,
                &record.actor_kind,
                &record.actor_id,
                &record.action,
                &record.resource_type,
                &record.resource_id,
                &record.changes,
                &record.request_id,
                &record.ip,
                &record.user_agent,
                &mac,
            ],
        )
        .await
    }
}
