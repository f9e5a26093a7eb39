//! `webhook_deliveries` and `webhook_attempts`

use db::list::{Kind, List, SortKey, Source};
use db::{FromRow, Row, SystemTx, TenantTx, get, statements};
use jiff::Timestamp;
use kernel::Ctx;
use uuid::Uuid;

use crate::model::{Attempt, Delivery, DeliveryId, WebhookId};

/// The columns of [`Delivery`], of `webhook_deliveries d`.
macro_rules! columns {
    () => {
        "d.id, d.endpoint_id, d.event, d.state, d.attempts, d.next_attempt_at, d.status_code, d.error,
         d.delivered_at, d.created_at, d.updated_at"
    };
}

statements! {
    INSERT = "INSERT INTO webhook_deliveries
            (id, tenant_id, endpoint_id, event_id, event, body, next_attempt_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $7)
        ON CONFLICT (endpoint_id, event_id) DO NOTHING";
    // Not to what was switched off or deleted meanwhile: that would end in a violated foreign key.
    INSERT_ALL = "INSERT INTO webhook_deliveries
            (id, tenant_id, endpoint_id, event_id, event, body, next_attempt_at, created_at, updated_at)
        SELECT one.id, w.tenant_id, w.id, one.event_id, $3, one.body, $4, $4, $4
        FROM webhook_endpoints w CROSS JOIN unnest($5::uuid[], $6::uuid[], $7::text[]) AS one (id, event_id, body)
        WHERE w.tenant_id = $1 AND w.id = $2 AND NOT w.disabled
        FOR KEY SHARE OF w
        ON CONFLICT (endpoint_id, event_id) DO NOTHING
        RETURNING id";
    FIND = concat!("SELECT ", columns!(), ", d.body FROM webhook_deliveries d
        WHERE d.tenant_id = $1 AND d.endpoint_id = $2 AND d.id = $3");
    ATTEMPTS = "SELECT number, status_code, error, duration_ms, at FROM webhook_attempts
        WHERE tenant_id = $1 AND delivery_id = $2 ORDER BY number";
    DUE = "SELECT d.id, d.endpoint_id, d.body, d.tries, w.url, w.disabled, w.secret,
            (SELECT a.at FROM webhook_attempts a
                WHERE a.tenant_id = $1 AND a.delivery_id = d.id AND a.number = d.attempts - d.tries + 1) AS since,
            CASE WHEN w.old_secret_until > $3 THEN w.old_secret END AS old_secret
        FROM webhook_deliveries d JOIN webhook_endpoints w ON w.id = d.endpoint_id
        WHERE d.tenant_id = $1 AND w.tenant_id = $1 AND d.id = $2 AND d.state = 'pending'";
    ATTEMPTED = "INSERT INTO webhook_attempts
            (id, delivery_id, number, tenant_id, status_code, error, duration_ms, at)
        SELECT $7, id, attempts + 1, tenant_id, $3, $4, $5, $6 FROM webhook_deliveries WHERE tenant_id = $1 AND id = $2";
    SETTLE = "UPDATE webhook_deliveries SET state = $3, attempts = attempts + $4, tries = tries + $4,
            next_attempt_at = $5, status_code = $6, error = $7, updated_at = $8,
            delivered_at = CASE WHEN $3 = 'delivered' THEN $8 ELSE delivered_at END
        WHERE tenant_id = $1 AND id = $2 AND state = 'pending'";
    REVIVE = "UPDATE webhook_deliveries SET state = 'pending', tries = 0, next_attempt_at = $4, updated_at = $4
        WHERE tenant_id = $1 AND endpoint_id = $2 AND id = $3 AND state <> 'pending'";
    REVIVE_DEAD = "UPDATE webhook_deliveries SET state = 'pending', tries = 0, next_attempt_at = $5, updated_at = $5
        WHERE tenant_id = $1 AND id IN (
            SELECT id FROM webhook_deliveries
            WHERE tenant_id = $1 AND endpoint_id = $2 AND state = 'dead' AND created_at >= $3 AND created_at < $4
            ORDER BY created_at LIMIT 500 FOR UPDATE)
        RETURNING id";
    DELETE_OLD = "DELETE FROM webhook_deliveries WHERE id IN
        (SELECT id FROM webhook_deliveries WHERE created_at < $1 AND state <> 'pending' ORDER BY created_at LIMIT 1000)";
}

/// What was posted to a webhook: (tenant, webhook, state).
pub(crate) static LIST: List = List {
    name: "notifications::store::deliveries::LIST",
    count_name: "notifications::store::deliveries::COUNT",
    columns: columns!(),
    source: Source::Table(
        "FROM webhook_deliveries d WHERE d.tenant_id = $1 AND d.endpoint_id = $2
        AND ($3::text IS NULL OR d.state = $3)",
    ),
    params: 3,
    id: "d.id",
    id_kind: Kind::Uuid,
    sorts: &[SortKey { name: "created_at", expression: "d.created_at", kind: Kind::Time }],
};

/// What an attempt needs to know.
pub(crate) struct Due {
    pub(crate) id: DeliveryId,
    pub(crate) webhook: WebhookId,
    pub(crate) url: String,
    pub(crate) disabled: bool,
    pub(crate) body: String,
    /// Sealed, the current one first.
    pub(crate) secrets: Vec<Vec<u8>>,
    /// Attempts since it was last sent off.
    pub(crate) tries: i32,
    /// When the first of them was.
    pub(crate) since: Option<Timestamp>,
}

impl FromRow for Due {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let old: Option<Vec<u8>> = get(row, "old_secret")?;
        Ok(Self {
            id: DeliveryId(get(row, "id")?),
            webhook: WebhookId(get(row, "endpoint_id")?),
            url: get(row, "url")?,
            disabled: get(row, "disabled")?,
            body: get(row, "body")?,
            secrets: [Some(get(row, "secret")?), old].into_iter().flatten().collect(),
            tries: get(row, "tries")?,
            since: get(row, "since")?,
        })
    }
}

/// What an attempt came to.
pub(crate) struct Outcome {
    pub(crate) status_code: Option<i32>,
    pub(crate) error: Option<String>,
    pub(crate) duration_ms: i32,
    pub(crate) at: Timestamp,
    /// When the receiver asked to be tried again.
    pub(crate) not_before: Option<Timestamp>,
}

/// A delivery and what is posted.
pub(crate) struct WithBody {
    pub(crate) delivery: Delivery,
    pub(crate) body: String,
}

impl FromRow for WithBody {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { delivery: Delivery::from_row(row)?, body: get(row, "body")? })
    }
}

/// Whether the webhook did not have the event yet.
pub(crate) async fn insert(
    tx: &TenantTx,
    id: DeliveryId,
    webhook: WebhookId,
    (event_id, event): (Uuid, &str),
    body: &str,
    now: Timestamp,
) -> Result<bool, db::Error> {
    Ok(tx.execute(&INSERT, &[&id.0, &tx.tenant().0, &webhook.0, &event_id, &event, &body, &now]).await? == 1)
}

/// Many events at once, each with its own id and body; returns which of `ids` the webhook did not have yet.
pub(crate) async fn insert_all(
    tx: &TenantTx,
    webhook: WebhookId,
    event: &str,
    (ids, events, bodies): (&[Uuid], &[Uuid], &[String]),
    now: Timestamp,
) -> Result<Vec<Uuid>, db::Error> {
    let rows = tx.rows(&INSERT_ALL, &[&tx.tenant().0, &webhook.0, &event, &now, &ids, &events, &bodies]).await?;
    rows.iter().map(|row| get(row, "id")).collect()
}

pub(crate) async fn find(tx: &TenantTx, webhook: WebhookId, id: DeliveryId) -> Result<Option<WithBody>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &webhook.0, &id.0]).await
}

pub(crate) async fn attempts(tx: &TenantTx, id: DeliveryId) -> Result<Vec<Attempt>, db::Error> {
    tx.all(&ATTEMPTS, &[&tx.tenant().0, &id.0]).await
}

/// What to post, if the delivery is still to be made.
pub(crate) async fn due(tx: &TenantTx, id: DeliveryId, now: Timestamp) -> Result<Option<Due>, db::Error> {
    tx.find(&DUE, &[&tx.tenant().0, &id.0, &now]).await
}

/// Writes down an attempt.
pub(crate) async fn attempted(tx: &TenantTx, cx: &Ctx, id: DeliveryId, outcome: &Outcome) -> Result<(), db::Error> {
    let Outcome { status_code, error, duration_ms, at, .. } = outcome;
    let own: Uuid = cx.new_id();
    tx.write_one(&ATTEMPTED, &[&tx.tenant().0, &id.0, status_code, error, duration_ms, at, &own]).await
}

/// Where a pending delivery stands after `attempts` more attempts.
pub(crate) async fn settle(
    tx: &TenantTx,
    id: DeliveryId,
    (state, next): (&str, Option<Timestamp>),
    attempts: i32,
    (status_code, error): (Option<i32>, Option<&str>),
    now: Timestamp,
) -> Result<(), db::Error> {
    let tenant = tx.tenant().0;
    tx.write_one(&SETTLE, &[&tenant, &id.0, &state, &attempts, &next, &status_code, &error, &now]).await
}

/// Whether it was not pending.
pub(crate) async fn revive(
    tx: &TenantTx,
    webhook: WebhookId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<bool, db::Error> {
    Ok(tx.execute(&REVIVE, &[&tx.tenant().0, &webhook.0, &id.0, &now]).await? == 1)
}

/// The oldest 500 dead ones made from `from` until before `to`.
pub(crate) async fn revive_dead(
    tx: &TenantTx,
    webhook: WebhookId,
    (from, to): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<Vec<DeliveryId>, db::Error> {
    let rows = tx.rows(&REVIVE_DEAD, &[&tx.tenant().0, &webhook.0, &from, &to, &now]).await?;
    rows.iter().map(|row| get(row, "id").map(DeliveryId)).collect()
}

/// A thousand at most; returns how many.
pub(crate) async fn delete_old(tx: &SystemTx, before: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&DELETE_OLD, &[&before]).await
}
