//! `notification_channels`

use db::list::{Kind, List, SortKey, Source};
use db::{FromRow, Row, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::UserId;

use crate::model::{Address, Channel, ChannelId, WebhookId};

/// The columns of [`Channel`], of `notification_channels c`.
macro_rules! columns {
    () => {
        "c.id, c.user_id, c.type, c.address, c.verified_at, c.last_sent_at, c.last_error, c.created_at, c.updated_at,
         c.is_active AND NOT EXISTS (SELECT FROM webhook_endpoints w
             WHERE w.tenant_id = c.tenant_id AND w.channel_id = c.id AND w.disabled) AS is_active"
    };
}

statements! {
    COUNT = "SELECT count(*) FROM notification_channels WHERE tenant_id = $1 AND user_id = $2";
    INSERT = "INSERT INTO notification_channels (id, tenant_id, user_id, type, address, verified_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
        ON CONFLICT (user_id, type, lower(address COLLATE \"C\")) DO NOTHING";
    FIND = concat!("SELECT ", columns!(), " FROM notification_channels c
        WHERE c.tenant_id = $1 AND c.user_id = $2 AND c.id = $3");
    LOCK = concat!("SELECT ", columns!(), " FROM notification_channels c
        WHERE c.tenant_id = $1 AND c.user_id = $2 AND c.id = $3 FOR UPDATE");
    SWITCH = "UPDATE notification_channels SET is_active = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2";
    VERIFIED = "UPDATE notification_channels SET verified_at = $3, updated_at = $3 WHERE tenant_id = $1 AND id = $2";
    SENT = "UPDATE notification_channels SET last_sent_at = coalesce($3, last_sent_at), last_error = $4
        WHERE tenant_id = $1 AND id = $2";
    DELETE = "DELETE FROM notification_channels WHERE tenant_id = $1 AND id = $2";
    // Locked, so that nobody deletes them before what is sent to them is written.
    MAILBOXES = "SELECT id, user_id, address FROM notification_channels
        WHERE tenant_id = $1 AND user_id = ANY($2) AND type = 'email' AND is_active AND verified_at IS NOT NULL
        ORDER BY user_id, id FOR KEY SHARE";
    WEBHOOKS = "SELECT w.id, c.user_id FROM notification_channels c JOIN webhook_endpoints w ON w.channel_id = c.id
        WHERE c.tenant_id = $1 AND w.tenant_id = $1 AND c.user_id = ANY($2) AND c.type = 'webhook' AND c.is_active
          AND c.verified_at IS NOT NULL AND NOT w.disabled
        ORDER BY c.user_id, c.id FOR KEY SHARE OF w";
    WEBHOOK_OF = "SELECT id FROM webhook_endpoints WHERE tenant_id = $1 AND channel_id = $2";
    OWNER_OF = "SELECT c.user_id FROM webhook_endpoints w JOIN notification_channels c ON c.id = w.channel_id
        WHERE w.tenant_id = $1 AND c.tenant_id = $1 AND w.id = $2";
}

/// A person's addresses: (tenant, person).
pub(crate) static LIST: List = List {
    name: "notifications::store::channels::LIST",
    count_name: "notifications::store::channels::COUNT_ALL",
    columns: columns!(),
    source: Source::Table("FROM notification_channels c WHERE c.tenant_id = $1 AND c.user_id = $2"),
    params: 2,
    id: "c.id",
    id_kind: Kind::Uuid,
    sorts: &[SortKey { name: "created_at", expression: "c.created_at", kind: Kind::Time }],
};

/// A mailbox that may be written to.
pub(crate) struct Mailbox {
    pub(crate) channel: ChannelId,
    pub(crate) user: UserId,
    pub(crate) address: String,
}

impl FromRow for Mailbox {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            channel: ChannelId(get(row, "id")?),
            user: UserId(get(row, "user_id")?),
            address: get(row, "address")?,
        })
    }
}

/// How many the person has. Nobody adds one before the end of the transaction.
pub(crate) async fn count_locked(tx: &TenantTx, user: UserId) -> Result<i64, db::Error> {
    tx.lock("channels", &user.0.to_string()).await?;
    tx.scalar(&COUNT, &[&tx.tenant().0, &user.0]).await
}

/// Whether the person did not have the address yet.
pub(crate) async fn insert(
    tx: &TenantTx,
    (id, user): (ChannelId, UserId),
    address: &Address,
    verified_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, db::Error> {
    let (kind, address) = (address.kind(), address.as_str());
    Ok(tx.execute(&INSERT, &[&id.0, &tx.tenant().0, &user.0, &kind, &address, &verified_at, &now]).await? == 1)
}

pub(crate) async fn find(tx: &TenantTx, user: UserId, id: ChannelId) -> Result<Option<Channel>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &user.0, &id.0]).await
}

/// As it is until the end of the transaction.
pub(crate) async fn lock(tx: &TenantTx, user: UserId, id: ChannelId) -> Result<Option<Channel>, db::Error> {
    tx.find(&LOCK, &[&tx.tenant().0, &user.0, &id.0]).await
}

pub(crate) async fn switch(tx: &TenantTx, id: ChannelId, on: bool, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&SWITCH, &[&tx.tenant().0, &id.0, &on, &now]).await
}

pub(crate) async fn verified(tx: &TenantTx, id: ChannelId, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&VERIFIED, &[&tx.tenant().0, &id.0, &now]).await
}

/// What became of the last mail; the channel may be gone.
pub(crate) async fn sent(
    tx: &TenantTx,
    id: ChannelId,
    at: Option<Timestamp>,
    error: Option<&str>,
) -> Result<(), db::Error> {
    tx.execute(&SENT, &[&tx.tenant().0, &id.0, &at, &error]).await.map(drop)
}

pub(crate) async fn delete(tx: &TenantTx, id: ChannelId) -> Result<(), db::Error> {
    tx.write_one(&DELETE, &[&tx.tenant().0, &id.0]).await
}

/// Verified addresses of these people that are in use.
pub(crate) async fn mailboxes(tx: &TenantTx, people: &[UserId]) -> Result<Vec<Mailbox>, db::Error> {
    tx.all(&MAILBOXES, &[&tx.tenant().0, &ids(people)]).await
}

/// The same for their own webhooks.
pub(crate) async fn webhooks(tx: &TenantTx, people: &[UserId]) -> Result<Vec<(WebhookId, UserId)>, db::Error> {
    let rows = tx.rows(&WEBHOOKS, &[&tx.tenant().0, &ids(people)]).await?;
    rows.iter().map(|row| Ok((WebhookId(get(row, "id")?), UserId(get(row, "user_id")?)))).collect()
}

/// What posts to a channel.
pub(crate) async fn webhook_of(tx: &TenantTx, id: ChannelId) -> Result<Option<WebhookId>, db::Error> {
    let rows = tx.rows(&WEBHOOK_OF, &[&tx.tenant().0, &id.0]).await?;
    rows.first().map(|row| get(row, "id").map(WebhookId)).transpose()
}

/// Whose a webhook is, if it is a person's.
pub(crate) async fn owner_of(tx: &TenantTx, id: WebhookId) -> Result<Option<UserId>, db::Error> {
    let rows = tx.rows(&OWNER_OF, &[&tx.tenant().0, &id.0]).await?;
    rows.first().map(|row| get(row, "user_id").map(UserId)).transpose()
}

fn ids(people: &[UserId]) -> Vec<uuid::Uuid> {
    people.iter().map(|id| id.0).collect()
}
