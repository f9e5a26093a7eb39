//! All SQL about tenants. `timestamptz` parameters come from the context's clock; NULLs of tables made by others read
//! as defaults (T-43).

pub(crate) mod invitations;
pub(crate) mod list;
pub(crate) mod workspaces;

use db::{SystemTx, TenantTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{TenantId, UserId};

use crate::model::{Status, Tenant};

/// The columns of [`Tenant`].
macro_rules! tenant_columns {
    () => {
        "id, name, slug, domain, coalesce(plan, 'free') AS plan, coalesce(status, 'active') AS status,
         coalesce(is_active, true) AS is_active, coalesce(settings, '{}')::text AS settings,
         coalesce(subscription, '{}')::text AS subscription, coalesce(created_at, to_timestamp(0)) AS created_at,
         coalesce(updated_at, to_timestamp(0)) AS updated_at, deleted_at"
    };
}
use tenant_columns;

statements! {
    INSERT = "INSERT INTO tenants (id, name, slug, domain, plan, settings, subscription, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6::text::jsonb, $7::text::jsonb, $8, $8)";
    /// The row of a tenant that had none (T-53).
    ENSURE = "INSERT INTO tenants (id, name, slug, created_at, updated_at)
        SELECT $1, $2, $3, $4, $4 WHERE NOT EXISTS (SELECT FROM tenants WHERE id = $1)";
    /// Those of some tenants that have no row.
    WITHOUT_ROW = "SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
        WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.id = wanted.id) ORDER BY wanted.id";
    FIND = concat!("SELECT ", tenant_columns!(), " FROM tenants WHERE id = $1");
    FIND_BY_SLUG = concat!("SELECT ", tenant_columns!(), " FROM tenants WHERE slug = $1");
    SLUG_EXISTS = "SELECT EXISTS (SELECT FROM tenants WHERE slug = $1)";
    UPDATE = "UPDATE tenants SET name = $2, slug = $3, domain = $4, plan = $5, subscription = $6::text::jsonb,
            updated_at = $7
        WHERE id = $1";
    SET_SETTINGS = "UPDATE tenants SET settings = $2::text::jsonb, updated_at = $3 WHERE id = $1";
    SET_STATUS = "UPDATE tenants SET status = $2, is_active = $3, deleted_at = $4, updated_at = $5 WHERE id = $1";
    REMEMBER_SUSPENDED = "INSERT INTO tenant_suspended_users (tenant_id, user_id, suspended_at)
        SELECT $1, person, $3 FROM unnest($2::uuid[]) AS person
        WHERE NOT EXISTS (SELECT FROM tenant_suspended_users s WHERE s.tenant_id = $1 AND s.user_id = person)";
    FORGET_SUSPENDED = "DELETE FROM tenant_suspended_users WHERE tenant_id = $1 RETURNING user_id";
    IS_CLOSED = "SELECT EXISTS (SELECT FROM tenants WHERE id = $1
        AND (status IN ('suspended', 'canceled', 'deleted') OR NOT is_active OR deleted_at IS NOT NULL))";
    CLOSED = "SELECT id FROM tenants WHERE id = ANY($1)
        AND (status IN ('suspended', 'canceled', 'deleted') OR NOT is_active OR deleted_at IS NOT NULL)";
    PROBE = "SELECT count(*) FROM (SELECT FROM tenants LIMIT 1) probe";
}

/// A row for `tenants`.
pub(crate) struct NewTenant<'a> {
    pub(crate) id: TenantId,
    pub(crate) name: &'a str,
    pub(crate) slug: &'a str,
    pub(crate) domain: Option<&'a str>,
    pub(crate) plan: &'a str,
    /// JSON objects.
    pub(crate) settings: &'a str,
    pub(crate) subscription: &'a str,
}

pub(crate) async fn insert(tx: &Tx, new: &NewTenant<'_>, now: Timestamp) -> Result<(), db::Error> {
    let NewTenant { id, name, slug, domain, plan, settings, subscription } = new;
    tx.write_one(&INSERT, &[&id.0, name, slug, domain, plan, settings, subscription, &now]).await
}

/// Makes changes of one tenant wait for each other, and for those who take its seats. A lock on the id and not on the
/// row, because the row may be missing. Taken before any other lock but those on rows of this slice.
pub(crate) async fn lock(tx: &Tx, id: TenantId) -> Result<(), db::Error> {
    tx.lock("tenant", &id.to_string()).await
}

/// The tenant, whose row is made if there was none; call [`lock`] first.
pub(crate) async fn ensure(tx: &TenantTx, now: Timestamp) -> Result<Tenant, db::Error> {
    let id = tx.tenant();
    if let Some(tenant) = find(tx, id).await? {
        return Ok(tenant);
    }
    let Tenant { name, slug, .. } = Tenant::without_row(id);
    tx.write_one(&ENSURE, &[&id.0, &name, &slug, &now]).await?;
    find(tx, id).await?.ok_or(db::Error::RowCount { statement: ENSURE.name, rows: 0 })
}

/// Makes the row of a tenant that has none; false if it has one. Call [`lock`] first.
pub(crate) async fn adopt(tx: &SystemTx, tenant: &Tenant, now: Timestamp) -> Result<bool, db::Error> {
    tx.execute(&ENSURE, &[&tenant.id.0, &tenant.name, &tenant.slug, &now]).await.map(|rows| rows == 1)
}

/// Those of `tenants` that have no row.
pub(crate) async fn without_row(tx: &SystemTx, tenants: &[TenantId]) -> Result<Vec<TenantId>, db::Error> {
    let ids: Vec<uuid::Uuid> = tenants.iter().map(|id| id.0).collect();
    tx.rows(&WITHOUT_ROW, &[&ids]).await?.iter().map(|row| get(row, "id").map(TenantId)).collect()
}

pub(crate) async fn find(tx: &Tx, id: TenantId) -> Result<Option<Tenant>, db::Error> {
    tx.find(&FIND, &[&id.0]).await
}

pub(crate) async fn find_by_slug(tx: &Tx, slug: &str) -> Result<Option<Tenant>, db::Error> {
    tx.find(&FIND_BY_SLUG, &[&slug]).await
}

pub(crate) async fn slug_exists(tx: &SystemTx, slug: &str) -> Result<bool, db::Error> {
    tx.scalar(&SLUG_EXISTS, &[&slug]).await
}

/// Writes the fields that an update may change.
pub(crate) async fn update(tx: &TenantTx, tenant: &Tenant, now: Timestamp) -> Result<(), db::Error> {
    let subscription = tenant.subscription.to_stored();
    let plan = tenant.plan.as_str();
    let id = tx.tenant().0;
    tx.write_one(&UPDATE, &[&id, &tenant.name, &tenant.slug, &tenant.domain, &plan, &subscription, &now]).await
}

pub(crate) async fn set_settings(tx: &TenantTx, settings: &str, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&SET_SETTINGS, &[&tx.tenant().0, &settings, &now]).await
}

pub(crate) async fn set_status(
    tx: &TenantTx,
    status: Status,
    deleted_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), db::Error> {
    let is_active = status.lets_people_in();
    tx.write_one(&SET_STATUS, &[&tx.tenant().0, &status.as_str(), &is_active, &deleted_at, &now]).await
}

pub(crate) async fn remember_suspended(tx: &TenantTx, people: &[UserId], now: Timestamp) -> Result<(), db::Error> {
    let people: Vec<uuid::Uuid> = people.iter().map(|id| id.0).collect();
    tx.execute(&REMEMBER_SUSPENDED, &[&tx.tenant().0, &people, &now]).await.map(drop)
}

/// Who was on when the tenant was suspended; forgotten with this call.
pub(crate) async fn forget_suspended(tx: &TenantTx) -> Result<Vec<UserId>, db::Error> {
    let rows = tx.rows(&FORGET_SUSPENDED, &[&tx.tenant().0]).await?;
    rows.iter().map(|row| get(row, "user_id").map(UserId)).collect()
}

/// Whether the tenant's status keeps its people out; a missing row keeps nobody out (T-53).
pub(crate) async fn is_closed(tx: &Tx, id: TenantId) -> Result<bool, db::Error> {
    tx.scalar(&IS_CLOSED, &[&id.0]).await
}

/// Those of `tenants` that are closed.
pub(crate) async fn closed(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<TenantId>, db::Error> {
    let ids: Vec<uuid::Uuid> = tenants.iter().map(|tenant| tenant.0).collect();
    tx.rows(&CLOSED, &[&ids]).await?.iter().map(|row| get(row, "id").map(TenantId)).collect()
}

/// Reads a little of the slice's tables.
pub(crate) async fn probe(tx: &SystemTx) -> Result<(), db::Error> {
    tx.scalar::<i64>(&PROBE, &[]).await.map(drop)
}
