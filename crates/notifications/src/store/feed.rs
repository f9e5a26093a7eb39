//! `user_notifications` and `notification_feeds`

use db::list::{Kind, List, SortKey, Source};
use db::{SystemTx, TenantTx, statements};
use jiff::Timestamp;
use kernel::{Ctx, UserId};
use serde_json::Value;
use uuid::Uuid;

use crate::model::{Draft, Notification, NotificationId};

/// The columns of [`Notification`], of `user_notifications n`.
macro_rules! columns {
    () => {
        "n.id, n.user_id, n.tenant_id, n.number, n.type, n.level, n.title, n.message, n.data::text AS data,
         n.is_read, n.read_at, n.expires_at, n.created_at, n.updated_at"
    };
}

/// Where streams listen; the same word as in `NOTIFY`.
pub(crate) const CHANNEL: &str = "pyairtable_feeds";

statements! {
    // Feeds are numbered in the order of their people, so that two of these cannot block each other for good.
    INSERT = "WITH people AS (SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS person (user_id, id)),
        numbered AS (
            INSERT INTO notification_feeds AS feed (user_id, tenant_id, last_number)
            SELECT user_id, $3, 1 FROM people ORDER BY user_id
            ON CONFLICT (user_id) DO UPDATE SET last_number = feed.last_number + 1
            RETURNING feed.user_id, feed.last_number)
        INSERT INTO user_notifications (id, tenant_id, user_id, number, event_id, type, level, title, message, data,
            expires_at, created_at, updated_at)
        SELECT people.id, $3, people.user_id, numbered.last_number, $4, $5, $6, $7, $8, $9::text::jsonb, $10, $11, $11
        FROM people JOIN numbered USING (user_id)
        ON CONFLICT (user_id, event_id) DO NOTHING
        RETURNING id, user_id";
    FIND = concat!("SELECT ", columns!(), " FROM user_notifications n
        WHERE n.tenant_id = $1 AND n.user_id = $2 AND n.id = $3
          AND (n.expires_at IS NULL OR n.expires_at > $4)");
    OF_EVENT = concat!("SELECT ", columns!(), " FROM user_notifications n
        WHERE n.tenant_id = $1 AND n.user_id = $2 AND n.event_id = $3");
    COUNT_UNREAD = "SELECT count(*) FROM user_notifications
        WHERE tenant_id = $1 AND user_id = $2 AND NOT is_read AND (expires_at IS NULL OR expires_at > $3)";
    READ = "UPDATE user_notifications SET is_read = true, read_at = $4, updated_at = $4
        WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND NOT is_read";
    READ_ALL = "UPDATE user_notifications SET is_read = true, read_at = $3, updated_at = $3
        WHERE tenant_id = $1 AND user_id = $2 AND NOT is_read";
    DELETE = "DELETE FROM user_notifications WHERE tenant_id = $1 AND user_id = $2 AND id = $3";
    DELETE_EXPIRED = "DELETE FROM user_notifications WHERE id IN
        (SELECT id FROM user_notifications WHERE expires_at <= $1 ORDER BY expires_at LIMIT 1000
            FOR UPDATE SKIP LOCKED)";
    NOTIFY = "SELECT pg_notify('pyairtable_feeds', $1)";
    PROBE = "SELECT EXISTS (SELECT FROM user_notifications)";
}

/// A person's feed: (tenant, person, now, read state, type, since, until).
pub(crate) static LIST: List = List {
    name: "notifications::store::feed::LIST",
    count_name: "notifications::store::feed::COUNT",
    columns: columns!(),
    source: Source::Table(
        "FROM user_notifications n WHERE n.tenant_id = $1 AND n.user_id = $2
        AND (n.expires_at IS NULL OR n.expires_at > $3)
        AND ($4::boolean IS NULL OR n.is_read = $4) AND ($5::text IS NULL OR n.type = $5)
        AND ($6::timestamptz IS NULL OR n.created_at >= $6) AND ($7::timestamptz IS NULL OR n.created_at < $7)",
    ),
    params: 7,
    id: "n.id",
    id_kind: Kind::Uuid,
    sorts: &[SortKey { name: "created_at", expression: "n.created_at", kind: Kind::Time }],
};

/// Tells `people` of an event. Who was told of it before is left out; returns who is told now, by what.
pub(crate) async fn insert(
    tx: &TenantTx,
    cx: &Ctx,
    event: Uuid,
    people: &[UserId],
    draft: &Draft,
) -> Result<Vec<(NotificationId, UserId)>, db::Error> {
    let users: Vec<Uuid> = people.iter().map(|id| id.0).collect();
    let ids: Vec<Uuid> = people.iter().map(|_| cx.new_id()).collect();
    let Draft { kind, level, title, message, data, expires_at } = draft;
    let data = Value::Object(data.clone()).to_string();
    let now = cx.now();
    let rows = tx
        .rows(&INSERT, &[&users, &ids, &tx.tenant().0, &event, kind, level, title, message, &data, expires_at, &now])
        .await?;
    let one = |row| Ok((NotificationId(db::get(row, "id")?), UserId(db::get(row, "user_id")?)));
    let told = rows.iter().map(one).collect::<Result<Vec<_>, db::Error>>()?;
    let people: Vec<UserId> = told.iter().map(|(_, user)| *user).collect();
    changed(tx, &people).await?;
    Ok(told)
}

/// Lets the streams of these people know, once this transaction is committed.
pub(crate) async fn changed(tx: &TenantTx, people: &[UserId]) -> Result<(), db::Error> {
    // 200 ids fit into the 8,000 bytes that a message may have.
    for some in people.chunks(200) {
        let ids: Vec<String> = some.iter().map(|id| id.0.simple().to_string()).collect();
        tx.rows(&NOTIFY, &[&ids.join(",")]).await?;
    }
    Ok(())
}

pub(crate) async fn find(
    tx: &TenantTx,
    user: UserId,
    id: NotificationId,
    now: Timestamp,
) -> Result<Option<Notification>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &user.0, &id.0, &now]).await
}

pub(crate) async fn count_unread(tx: &TenantTx, user: UserId, now: Timestamp) -> Result<i64, db::Error> {
    tx.scalar(&COUNT_UNREAD, &[&tx.tenant().0, &user.0, &now]).await
}

/// Whether it was unread.
pub(crate) async fn read(tx: &TenantTx, user: UserId, id: NotificationId, now: Timestamp) -> Result<bool, db::Error> {
    Ok(tx.execute(&READ, &[&tx.tenant().0, &user.0, &id.0, &now]).await? == 1)
}

/// How many were unread.
pub(crate) async fn read_all(tx: &TenantTx, user: UserId, now: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&READ_ALL, &[&tx.tenant().0, &user.0, &now]).await
}

/// Whether there was one.
pub(crate) async fn delete(tx: &TenantTx, user: UserId, id: NotificationId) -> Result<bool, db::Error> {
    Ok(tx.execute(&DELETE, &[&tx.tenant().0, &user.0, &id.0]).await? == 1)
}

/// A thousand at most; returns how many.
pub(crate) async fn delete_expired(tx: &SystemTx, now: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&DELETE_EXPIRED, &[&now]).await
}

pub(crate) async fn probe(tx: &SystemTx) -> Result<(), db::Error> {
    tx.rows(&PROBE, &[]).await.map(drop)
}

/// What tells `user` of `event`.
pub(crate) async fn of_event(tx: &TenantTx, user: UserId, event: Uuid) -> Result<Option<Notification>, db::Error> {
    tx.find(&OF_EVENT, &[&tx.tenant().0, &user.0, &event]).await
}
