//! `notification_digests` and `notification_digest_items`

use db::{FromRow, Row, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::UserId;
use serde::Serialize;
use uuid::Uuid;

use crate::templates::Feed;

statements! {
    // The update changes nothing and locks the row: a digest that is being written now waits for this transaction, and
    // takes its items along.
    OPEN = "INSERT INTO notification_digests AS d (user_id, tenant_id, due_at)
        SELECT person.user_id, $1, person.due_at FROM unnest($2::uuid[], $3::timestamptz[]) AS person (user_id, due_at)
        ORDER BY person.user_id
        ON CONFLICT (user_id) DO UPDATE SET tenant_id = d.tenant_id
        RETURNING user_id, due_at, xmax = 0 AS opened";
    ADD = "INSERT INTO notification_digest_items (user_id, event_id, tenant_id, title, message, created_at)
        SELECT line.user_id, $1, $2, line.title, line.message, $3
        FROM unnest($4::uuid[], $5::text[], $6::text[]) AS line (user_id, title, message)
        ON CONFLICT (user_id, event_id) DO NOTHING";
    CLOSE = "DELETE FROM notification_digests WHERE tenant_id = $1 AND user_id = $2";
    TAKE = "DELETE FROM notification_digest_items WHERE tenant_id = $1 AND user_id = $2
        RETURNING title, message, created_at, event_id";
}

/// A line of a digest.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Item {
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) created_at: Timestamp,
    #[serde(skip)]
    event: Uuid,
}

impl FromRow for Item {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            title: get(row, "title")?,
            message: get(row, "message")?,
            created_at: get(row, "created_at")?,
            event: get(row, "event_id")?,
        })
    }
}

/// Opens the digests of these people; returns those that were not open, and when they are due.
pub(crate) async fn open(
    tx: &TenantTx,
    people: &[UserId],
    due: &[Timestamp],
) -> Result<Vec<(UserId, Timestamp)>, db::Error> {
    let ids: Vec<Uuid> = people.iter().map(|id| id.0).collect();
    let rows = tx.rows(&OPEN, &[&tx.tenant().0, &ids, &due]).await?;
    let opened = rows.iter().filter(|row| get(row, "opened").unwrap_or(false));
    opened.map(|row| Ok((UserId(get(row, "user_id")?), get(row, "due_at")?))).collect()
}

/// Adds a line to the open digest of each of these people.
pub(crate) async fn add(
    tx: &TenantTx,
    event: Uuid,
    people: &[UserId],
    lines: Vec<Feed>,
    now: Timestamp,
) -> Result<(), db::Error> {
    let ids: Vec<Uuid> = people.iter().map(|id| id.0).collect();
    let (titles, messages): (Vec<_>, Vec<_>) =
        lines.into_iter().map(|Feed { title, message }| (title, message)).unzip();
    tx.execute(&ADD, &[&event, &tx.tenant().0, &now, &ids, &titles, &messages]).await.map(drop)
}

/// Closes a digest; returns its lines, the oldest first.
pub(crate) async fn take(tx: &TenantTx, user: UserId) -> Result<Vec<Item>, db::Error> {
    tx.execute(&CLOSE, &[&tx.tenant().0, &user.0]).await?;
    let mut items: Vec<Item> = tx.all(&TAKE, &[&tx.tenant().0, &user.0]).await?;
    items.sort_by_key(|item| (item.created_at, item.event));
    Ok(items)
}
