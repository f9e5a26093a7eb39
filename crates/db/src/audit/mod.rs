//! The audit trail: every state change writes one record in its own transaction.
//!
//! Records of a tenant form a chain: each carries an HMAC over its own contents and the HMAC before it, so a changed,
//! removed or reordered record is found by whoever holds the key. The application roles may only insert and read.
//!
//! There may be several trails, each a [`Trail`] with chains of its own: a slice that has to keep its records in an old
//! service's table lets them be signed here and writes them itself.

mod record;
mod verify;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Actor, Ctx, Redacted, TenantId};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use uuid::Uuid;

use crate::{Error, FromRow, Row, Sql, Tx, get, statements};

pub use record::Record;
pub use verify::{Anchor, Broken, ChainId, Walk, chains, page, verify};

statements! {
    HEAD = "SELECT coalesce(head.seq, 0) AS seq, coalesce(head.mac, '') AS mac, coalesce($2::text, 'null') AS changes
        FROM (VALUES (1)) AS one LEFT JOIN
            (SELECT seq, mac FROM audit_events WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1) AS head ON true";
    INSERT = "INSERT INTO audit_events (id, tenant_id, seq, at, actor_kind, actor_id, action, resource_type,
            resource_id, changes, request_id, ip, user_agent, mac)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::json, $11, $12, $13, $14)";
    TENANTS = "SELECT DISTINCT tenant_id FROM audit_events ORDER BY tenant_id";
    /// A time that nobody can have meant is one that no record was signed with, and not a reason to stop reading.
    PAGE = "SELECT id, 'audit_events' AS trail, tenant_id, seq,
            CASE WHEN at BETWEEN '0001-01-01Z' AND '9999-01-01Z' THEN at ELSE to_timestamp(0) END AS at,
            actor_kind, actor_id, action, resource_type, resource_id, changes::text AS changes,
            NULL::text AS workspace_id, request_id, ip, user_agent, mac, false AS removed
        FROM audit_events WHERE tenant_id = $1 AND seq >= $2 ORDER BY seq FETCH FIRST 5000 ROWS WITH TIES";
}

/// A table of records that form a chain for each tenant, and how it is read.
#[derive(Debug)]
pub struct Trail {
    /// The table; also what the trail is called.
    pub name: &'static str,
    /// The head of a tenant's chain: (tenant, changes or NULL) -> seq, mac, the changes as the table gives them back.
    /// Without a record `seq` is 0 and `mac` empty.
    pub head: Sql,
    /// The tenants that have a chain: () -> `tenant_id`.
    pub tenants: Sql,
    /// Records of a chain from a position on, in order: (tenant, seq) -> the columns of [`Record`]. Whole positions: a
    /// second record at one must not fall between two pages.
    pub page: Sql,
}

/// `audit_events`: everything but the workspace family.
pub static EVENTS: Trail = Trail { name: EVENTS_NAME, head: HEAD, tenants: TENANTS, page: PAGE };

const EVENTS_NAME: &str = "audit_events";

/// Signs the chain: `AUDIT_KEY`.
#[derive(Clone)]
pub struct AuditKey(Redacted<Vec<u8>>);

impl AuditKey {
    /// A key of any length; 32 random bytes are right.
    pub fn new(key: impl Into<Vec<u8>>) -> Self {
        Self(Redacted::new(key.into()))
    }

    /// The HMAC of a record that follows one with `previous`; empty for the first.
    pub fn mac(&self, record: &Record, previous: &[u8]) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose()).unwrap_or_else(|_| unreachable!("any length is a key"));
        let mut field = |bytes: &[u8]| {
            // Lengths keep neighbouring fields apart: ("ab", "c") is not ("a", "bc").
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        field(previous);
        field(record.id.as_bytes());
        field(record.tenant_id.as_bytes());
        field(&record.seq.to_be_bytes());
        field(&record.at.as_microsecond().to_be_bytes());
        let Record { actor_kind, action, resource_type, resource_id, .. } = record;
        for text in [actor_kind, action, resource_type, resource_id, record.changes.get()] {
            field(text.as_bytes());
        }
        for text in [&record.actor_id, &record.request_id, &record.ip, &record.user_agent] {
            field(&[u8::from(text.is_some())]);
            field(text.as_deref().unwrap_or_default().as_bytes());
        }
        // A field more, so a record of one trail is never one of the other.
        if let Some(workspace) = &record.workspace_id {
            field(workspace.as_bytes());
        }
        mac.finalize().into_bytes().to_vec()
    }
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
    changes: String,
}

impl FromRow for Head {
    fn from_row(row: &Row) -> Result<Self, Error> {
        Ok(Self { seq: get(row, "seq")?, mac: get(row, "mac")?, changes: get(row, "changes")? })
    }
}

impl Tx {
    /// Appends `event` to its tenant's chain. Call it last: from here to the commit the tenant's other writers wait.
    pub async fn audit(&self, cx: &Ctx, event: &AuditEvent) -> Result<(), Error> {
        let record = self.sign(cx, &EVENTS, None, event).await?;
        self.write_one(
            &INSERT,
            &[
                &record.id,
                &record.tenant_id,
                &record.seq,
                &record.at,
                &record.actor_kind,
                &record.actor_id,
                &record.action,
                &record.resource_type,
                &record.resource_id,
                &record.changes.get(),
                &record.request_id,
                &record.ip,
                &record.user_agent,
                &record.mac,
            ],
        )
        .await
    }

    /// Makes the next record of the tenant's chain in `trail`; the caller writes it. Like [`Tx::audit`], it comes last.
    pub async fn sign(
        &self,
        cx: &Ctx,
        trail: &Trail,
        workspace: Option<Uuid>,
        event: &AuditEvent,
    ) -> Result<Record, Error> {
        self.lock("audit", &event.tenant.to_string()).await?;
        let head = self.find::<Head>(&trail.head, &[&event.tenant.0, &event.changes]).await?;
        let head = head.ok_or(Error::RowCount { statement: trail.head.name, rows: 0 })?;
        let (actor_kind, actor_id) = match &cx.actor {
            Actor::User(user) => ("user", Some(user.id.to_string())),
            Actor::Internal { user, .. } => ("service", user.map(|user| user.to_string())),
            Actor::Anonymous => ("anonymous", None),
            Actor::System(job) => ("system", Some((*job).to_owned())),
        };
        let mut record = Record {
            id: cx.new_id(),
            trail: trail.name.to_owned(),
            tenant_id: event.tenant.0,
            seq: head.seq + 1,
            at: cx.now(),
            actor_kind: actor_kind.to_owned(),
            actor_id,
            action: event.action.to_owned(),
            resource_type: event.resource_type.to_owned(),
            resource_id: event.resource_id.clone(),
            changes: RawValue::from_string(head.changes).unwrap_or_default(),
            workspace_id: workspace.map(|id| id.to_string()),
            request_id: Some(cx.request_id.as_ref().to_owned()),
            ip: cx.origin.ip.map(|ip| ip.to_string()),
            user_agent: cx.origin.user_agent.as_deref().map(str::to_owned),
            mac: Vec::new(),
            removed: false,
        };
        record.mac = self.audit_key().mac(&record, &head.mac);
        Ok(record)
    }
}
