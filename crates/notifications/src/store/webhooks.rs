//! `webhook_endpoints`. Those with a channel are a person's own, and no admin sees them.

use db::list::{Kind, List, SortKey, Source};
use db::{FromRow, Row, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::TenantId;

use crate::model::{ChannelId, Webhook, WebhookFields, WebhookId};

/// The columns of [`Webhook`], of `webhook_endpoints w`.
macro_rules! columns {
    () => {
        "w.id, w.tenant_id, w.url, w.description, w.events, w.disabled, w.disabled_reason, w.failing_since,
         w.old_secret_until, w.created_at, w.updated_at"
    };
}

statements! {
    INSERT = "INSERT INTO webhook_endpoints
            (id, tenant_id, url, description, events, disabled, disabled_reason, secret, channel_id, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)";
    COUNT = "SELECT count(*) FROM webhook_endpoints WHERE tenant_id = $1 AND channel_id IS NULL";
    FIND = concat!("SELECT ", columns!(), " FROM webhook_endpoints w
        WHERE w.tenant_id = $1 AND w.id = $2 AND w.channel_id IS NULL");
    LOCK = concat!("SELECT ", columns!(), " FROM webhook_endpoints w
        WHERE w.tenant_id = $1 AND w.id = $2 AND w.channel_id IS NULL FOR UPDATE");
    UPDATE = "UPDATE webhook_endpoints SET url = $3, description = $4, events = $5, disabled = $6,
            disabled_reason = $7, failing_since = CASE WHEN $8 THEN NULL ELSE failing_since END, updated_at = $9
        WHERE tenant_id = $1 AND id = $2";
    SWITCH = "UPDATE webhook_endpoints SET disabled = NOT $3, disabled_reason = CASE WHEN $3 THEN NULL ELSE 'by_hand' END,
            failing_since = NULL, updated_at = $4
        WHERE tenant_id = $1 AND id = $2";
    ROTATE = "UPDATE webhook_endpoints SET old_secret = secret, old_secret_until = $4, secret = $3, updated_at = $5
        WHERE tenant_id = $1 AND id = $2";
    DELETE = "DELETE FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2";
    LISTENING = "SELECT id, events FROM webhook_endpoints
        WHERE tenant_id = $1 AND channel_id IS NULL AND NOT disabled ORDER BY id";
    SUCCEEDED = "UPDATE webhook_endpoints SET failing_since = NULL
        WHERE tenant_id = $1 AND id = $2 AND failing_since IS NOT NULL";
    FAILED = "UPDATE webhook_endpoints SET failing_since = $3
        WHERE tenant_id = $1 AND id = $2 AND failing_since IS NULL";
    DISABLE = "UPDATE webhook_endpoints SET disabled = true, disabled_reason = $3, updated_at = $4
        WHERE tenant_id = $1 AND id = $2 AND NOT disabled AND ($5::timestamptz IS NULL OR failing_since <= $5)";
}

/// A tenant's webhooks: (tenant).
pub(crate) static LIST: List = List {
    name: "notifications::store::webhooks::LIST",
    count_name: "notifications::store::webhooks::COUNT_ALL",
    columns: columns!(),
    source: Source::Table("FROM webhook_endpoints w WHERE w.tenant_id = $1 AND w.channel_id IS NULL"),
    params: 1,
    id: "w.id",
    id_kind: Kind::Uuid,
    sorts: &[SortKey { name: "created_at", expression: "w.created_at", kind: Kind::Time }],
};

/// Who may want an event.
pub(crate) struct Listening {
    pub(crate) id: WebhookId,
    pub(crate) events: Vec<String>,
}

impl FromRow for Listening {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { id: WebhookId(get(row, "id")?), events: get(row, "events")? })
    }
}

pub(crate) async fn insert(
    tx: &TenantTx,
    (id, channel): (WebhookId, Option<ChannelId>),
    fields: &WebhookFields,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), db::Error> {
    let WebhookFields { url, description, events, disabled } = fields;
    let reason = disabled.then_some("by_hand");
    let tenant = tx.tenant().0;
    let channel = channel.map(|id| id.0);
    tx.write_one(&INSERT, &[&id.0, &tenant, url, description, events, disabled, &reason, &sealed, &channel, &now]).await
}

/// How many the tenant has. Nobody adds one before the end of the transaction.
pub(crate) async fn count_locked(tx: &TenantTx) -> Result<i64, db::Error> {
    let TenantId(tenant) = tx.tenant();
    tx.lock("webhooks", &tenant.to_string()).await?;
    tx.scalar(&COUNT, &[&tenant]).await
}

pub(crate) async fn find(tx: &TenantTx, id: WebhookId) -> Result<Option<Webhook>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &id.0]).await
}

/// As it is until the end of the transaction.
pub(crate) async fn lock(tx: &TenantTx, id: WebhookId) -> Result<Option<Webhook>, db::Error> {
    tx.find(&LOCK, &[&tx.tenant().0, &id.0]).await
}

/// `forgive`: what failed so far no longer counts.
pub(crate) async fn update(
    tx: &TenantTx,
    id: WebhookId,
    fields: &WebhookFields,
    reason: Option<&str>,
    forgive: bool,
    now: Timestamp,
) -> Result<(), db::Error> {
    let WebhookFields { url, description, events, disabled } = fields;
    let tenant = tx.tenant().0;
    tx.write_one(&UPDATE, &[&tenant, &id.0, url, description, events, disabled, &reason, &forgive, &now]).await
}

/// A person's own is switched with its channel; what failed so far no longer counts.
pub(crate) async fn switch(tx: &TenantTx, id: WebhookId, on: bool, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&SWITCH, &[&tx.tenant().0, &id.0, &on, &now]).await
}

/// A new secret; the old one signs beside it until `until`.
pub(crate) async fn rotate(
    tx: &TenantTx,
    id: WebhookId,
    sealed: &[u8],
    until: Timestamp,
    now: Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&ROTATE, &[&tx.tenant().0, &id.0, &sealed, &until, &now]).await
}

pub(crate) async fn delete(tx: &TenantTx, id: WebhookId) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&tx.tenant().0, &id.0]).await
}

/// All that are not disabled.
pub(crate) async fn listening(tx: &TenantTx) -> Result<Vec<Listening>, db::Error> {
    tx.all(&LISTENING, &[&tx.tenant().0]).await
}

/// Something got through.
pub(crate) async fn succeeded(tx: &TenantTx, id: WebhookId) -> Result<(), db::Error> {
    tx.execute(&SUCCEEDED, &[&tx.tenant().0, &id.0]).await.map(drop)
}

/// Something did not get through.
pub(crate) async fn failed(tx: &TenantTx, id: WebhookId, at: Timestamp) -> Result<(), db::Error> {
    tx.execute(&FAILED, &[&tx.tenant().0, &id.0, &at]).await.map(drop)
}

/// Whether it was not disabled before and, given `since`, has failed since then or longer.
pub(crate) async fn disable(
    tx: &TenantTx,
    id: WebhookId,
    reason: &str,
    since: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, db::Error> {
    Ok(tx.execute(&DISABLE, &[&tx.tenant().0, &id.0, &reason, &now, &since]).await? == 1)
}
