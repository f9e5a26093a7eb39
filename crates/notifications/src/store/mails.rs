//! `notification_mails`

use db::{FromRow, Row, SystemTx, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::{TenantId, UserId};
use uuid::Uuid;

use crate::model::ChannelId;

statements! {
    INSERT = "INSERT INTO notification_mails (id, tenant_id, user_id, channel_id, event_id, kind, recipient, content,
            next_attempt_at, created_at, updated_at)
        SELECT m.id, $1, m.user_id, m.channel_id, $2, $3, m.recipient, m.content, m.at, $4, $4
        FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::bytea[], $10::timestamptz[])
            AS m (id, user_id, channel_id, recipient, content, at)
        ON CONFLICT (recipient, event_id) DO NOTHING
        RETURNING id, next_attempt_at";
    DUE = "SELECT m.id, m.channel_id, m.recipient, m.content, m.attempts,
            m.channel_id IS NULL OR m.kind = 'channel.verification' OR (c.is_active AND c.verified_at IS NOT NULL) AS wanted
        FROM notification_mails m LEFT JOIN notification_channels c ON c.id = m.channel_id AND c.tenant_id = $1
        WHERE m.tenant_id = $1 AND m.id = $2 AND m.state = 'pending'";
    SETTLE = "UPDATE notification_mails SET state = $3, attempts = attempts + $4, next_attempt_at = $5, error = $6,
            updated_at = $7, sent_at = CASE WHEN $3 = 'sent' THEN $7 ELSE sent_at END,
            content = CASE WHEN $3 = 'pending' THEN content END
        WHERE tenant_id = $1 AND id = $2 AND state = 'pending'";
    DELETE_OLD = "DELETE FROM notification_mails WHERE id IN
        (SELECT id FROM notification_mails WHERE created_at < $1 AND state <> 'pending' ORDER BY created_at LIMIT 1000)";
}

/// A mail to be written down.
pub(crate) struct NewMail {
    pub(crate) id: Uuid,
    pub(crate) user: Option<UserId>,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) recipient: String,
    /// Sealed.
    pub(crate) content: Vec<u8>,
    /// Not before.
    pub(crate) at: Timestamp,
}

/// A mail to be sent.
pub(crate) struct Due {
    pub(crate) id: Uuid,
    pub(crate) channel: Option<ChannelId>,
    pub(crate) recipient: String,
    /// Sealed.
    pub(crate) content: Vec<u8>,
    pub(crate) attempts: i32,
    /// Whether the address is still in use.
    pub(crate) wanted: bool,
}

impl FromRow for Due {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let wanted: Option<bool> = get(row, "wanted")?;
        let content: Option<Vec<u8>> = get(row, "content")?;
        Ok(Self {
            id: get(row, "id")?,
            channel: get::<Option<Uuid>>(row, "channel_id")?.map(ChannelId),
            recipient: get(row, "recipient")?,
            content: content.unwrap_or_default(),
            attempts: get(row, "attempts")?,
            wanted: wanted.unwrap_or(false),
        })
    }
}

/// Writes mails that tell of `event`; an address that was told of it before is left out. Returns which were written, and
/// when they go.
pub(crate) async fn insert(
    tx: &TenantTx,
    (event, kind): (Uuid, &str),
    mails: Vec<NewMail>,
    now: Timestamp,
) -> Result<Vec<(Uuid, Timestamp)>, db::Error> {
    let TenantId(tenant) = tx.tenant();
    let (mut ids, mut users, mut channels) = (Vec::new(), Vec::new(), Vec::new());
    let (mut recipients, mut contents, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for mail in mails {
        ids.push(mail.id);
        users.push(mail.user.map(|id| id.0));
        channels.push(mail.channel.map(|id| id.0));
        recipients.push(mail.recipient);
        contents.push(mail.content);
        times.push(mail.at);
    }
    let rows = tx
        .rows(&INSERT, &[&tenant, &event, &kind, &now, &ids, &users, &channels, &recipients, &contents, &times])
        .await?;
    rows.iter().map(|row| Ok((get(row, "id")?, get(row, "next_attempt_at")?))).collect()
}

/// What to send, if it is still to be sent.
pub(crate) async fn due(tx: &TenantTx, id: Uuid) -> Result<Option<Due>, db::Error> {
    tx.find(&DUE, &[&tx.tenant().0, &id]).await
}

/// Where a pending mail stands after `attempts` more attempts. What was sent or given up leaves its content behind.
pub(crate) async fn settle(
    tx: &TenantTx,
    id: Uuid,
    (state, next): (&str, Option<Timestamp>),
    attempts: i32,
    error: Option<&str>,
    now: Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&SETTLE, &[&tx.tenant().0, &id, &state, &attempts, &next, &error, &now]).await
}

/// A thousand at most; returns how many.
pub(crate) async fn delete_old(tx: &SystemTx, before: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&DELETE_OLD, &[&before]).await
}
