//! `notification_channel_codes`

use db::{FromRow, Row, SystemTx, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::UserId;
use uuid::Uuid;

use crate::model::{CODE_TRIES, ChannelId};

statements! {
    SENT_SINCE = "SELECT count(*) AS sent, min(created_at) AS first FROM notification_channel_codes
        WHERE tenant_id = $1 AND user_id = $2 AND created_at > $3";
    INSERT = "INSERT INTO notification_channel_codes (id, tenant_id, user_id, channel_id, code_hash, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    TRY = "UPDATE notification_channel_codes SET tries = tries + 1
        WHERE tenant_id = $1 AND expires_at > $3 AND tries < $4 AND id = (
            SELECT id FROM notification_channel_codes WHERE tenant_id = $1 AND channel_id = $2
            ORDER BY created_at DESC, id DESC LIMIT 1)
        RETURNING id, code_hash";
    DELETE_OLD = "DELETE FROM notification_channel_codes WHERE id IN
        (SELECT id FROM notification_channel_codes WHERE created_at < $1 LIMIT 1000)";
}

/// How many codes somebody was sent lately.
pub(crate) struct Sent {
    pub(crate) count: i64,
    /// When the first of them was.
    pub(crate) first: Option<Timestamp>,
}

impl FromRow for Sent {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { count: get(row, "sent")?, first: get(row, "first")? })
    }
}

/// Codes sent to a person after `since`, whatever the address. No others are until the end of the transaction.
pub(crate) async fn sent_since_locked(tx: &TenantTx, user: UserId, since: Timestamp) -> Result<Sent, db::Error> {
    tx.lock("channel codes", &user.0.to_string()).await?;
    let sent = tx.find(&SENT_SINCE, &[&tx.tenant().0, &user.0, &since]).await?;
    Ok(sent.unwrap_or(Sent { count: 0, first: None }))
}

pub(crate) async fn insert(
    tx: &TenantTx,
    (id, user, channel): (Uuid, UserId, ChannelId),
    hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&INSERT, &[&id, &tx.tenant().0, &user.0, &channel.0, &hash, &now, &expires_at]).await
}

/// Uses up one try of the latest code, if it has one left; returns the code's id and digest.
pub(crate) async fn take_a_try(
    tx: &TenantTx,
    channel: ChannelId,
    now: Timestamp,
) -> Result<Option<(Uuid, Vec<u8>)>, db::Error> {
    let rows = tx.rows(&TRY, &[&tx.tenant().0, &channel.0, &now, &CODE_TRIES]).await?;
    rows.first().map(|row| Ok((get(row, "id")?, get(row, "code_hash")?))).transpose()
}

/// A thousand at most; returns how many.
pub(crate) async fn delete_old(tx: &SystemTx, before: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&DELETE_OLD, &[&before]).await
}
