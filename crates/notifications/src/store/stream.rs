//! The feeds of many people at once, for their streams.

use db::{FromRow, Row, SystemTx, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::{TenantId, UserId};
use uuid::Uuid;

use crate::model::Notification;

/// The most notifications read of one feed at a time.
pub(crate) const PAGE: usize = 50;

statements! {
    STATE = "SELECT
        coalesce((SELECT last_number FROM notification_feeds WHERE tenant_id = $1 AND user_id = $2), 0) AS last_number,
        (SELECT count(*) FROM user_notifications
            WHERE tenant_id = $1 AND user_id = $2 AND NOT is_read AND (expires_at IS NULL OR expires_at > $3)) AS unread";
    /// For the rest of the transaction. A plan made while the table was empty reads all of it for each feed, and stays in
    /// use until the table is analyzed.
    BY_INDEX = "SELECT set_config('enable_seqscan', 'off', true)";
    /// Across tenants, because one write may concern people of many and each of them waits for it; each feed is compared
    /// with the tenant that its stream was authenticated for. One statement, so that rows and count are of one moment.
    NEWS = "SELECT who.place, counted.unread, new.*
        FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) WITH ORDINALITY AS who (tenant, person, seen, place)
        CROSS JOIN LATERAL (
            SELECT count(*) AS unread FROM user_notifications n
            WHERE n.tenant_id = who.tenant AND n.user_id = who.person AND NOT n.is_read
              AND (n.expires_at IS NULL OR n.expires_at > $4)) counted
        LEFT JOIN LATERAL (
            SELECT n.id, n.user_id, n.tenant_id, n.number, n.type, n.level, n.title, n.message, n.data::text AS data,
                n.is_read, n.read_at, n.expires_at, n.created_at, n.updated_at
            FROM user_notifications n
            WHERE n.tenant_id = who.tenant AND n.user_id = who.person AND n.number > who.seen
              AND (n.expires_at IS NULL OR n.expires_at > $4)
            ORDER BY n.number LIMIT 50) new ON true
        ORDER BY who.place, new.number";
}

/// Where a feed stands.
pub(crate) struct State {
    /// The last number given out.
    pub(crate) last_number: i64,
    pub(crate) unread: i64,
}

impl FromRow for State {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { last_number: get(row, "last_number")?, unread: get(row, "unread")? })
    }
}

/// A feed, read up to `seen`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed {
    pub(crate) tenant: TenantId,
    pub(crate) user: UserId,
    pub(crate) seen: i64,
}

/// What has become of it.
#[derive(Debug, Default)]
pub(crate) struct News {
    pub(crate) unread: i64,
    /// What came after, the oldest first, at most [`PAGE`].
    pub(crate) notifications: Vec<Notification>,
}

pub(crate) async fn state(tx: &TenantTx, user: UserId, now: Timestamp) -> Result<Option<State>, db::Error> {
    tx.find(&STATE, &[&tx.tenant().0, &user.0, &now]).await
}

/// The news of `feeds`, in their order.
pub(crate) async fn news(tx: &SystemTx, feeds: &[Feed], now: Timestamp) -> Result<Vec<News>, db::Error> {
    let tenants: Vec<Uuid> = feeds.iter().map(|feed| feed.tenant.0).collect();
    let people: Vec<Uuid> = feeds.iter().map(|feed| feed.user.0).collect();
    let seen: Vec<i64> = feeds.iter().map(|feed| feed.seen).collect();
    let mut all: Vec<News> = feeds.iter().map(|_| News::default()).collect();
    tx.rows(&BY_INDEX, &[]).await?;
    for row in tx.rows(&NEWS, &[&tenants, &people, &seen, &now]).await? {
        let place = usize::try_from(get::<i64>(&row, "place")? - 1).unwrap_or(usize::MAX);
        let Some(news) = all.get_mut(place) else { continue };
        news.unread = get(&row, "unread")?;
        if get::<Option<Uuid>>(&row, "id")?.is_some() {
            news.notifications.push(Notification::from_row(&row)?);
        }
    }
    Ok(all)
}
