//! SQL about the people of whole tenants, for the slice of tenants.

use db::{FromRow, Row, SystemTx, TenantTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{TenantId, UserId};
use uuid::Uuid;

use super::user_columns;
use crate::model::User;

statements! {
    TENANT_OF_ADDRESS = "SELECT tenant_id FROM users WHERE lower(email COLLATE \"C\") = lower($1 COLLATE \"C\")
        ORDER BY email = $1 DESC LIMIT 1";
    IS_MEMBER_ADDRESS = "SELECT EXISTS (SELECT FROM users
        WHERE tenant_id = $1 AND lower(email COLLATE \"C\") = lower($2 COLLATE \"C\"))";
    IS_MEMBER = "SELECT EXISTS (SELECT FROM users WHERE tenant_id = $1 AND id = $2)";
    /// Steps through an index on the tenant from one to the next, however many people each has.
    TENANTS_AFTER = "WITH RECURSIVE step AS (
            (SELECT tenant_id FROM users WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT u.tenant_id FROM users u WHERE u.tenant_id > step.tenant_id ORDER BY u.tenant_id LIMIT 1)
            FROM step WHERE step.tenant_id IS NOT NULL
        )
        SELECT tenant_id FROM step WHERE tenant_id IS NOT NULL LIMIT 500";
    COUNT = "SELECT count(*) FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND p.deleted_at IS NULL";
    COUNTS = "SELECT u.tenant_id, count(*) AS people, count(*) FILTER (WHERE coalesce(u.is_active, true)) AS active
        FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = ANY($1::uuid[]) AND p.deleted_at IS NULL GROUP BY u.tenant_id";
    OWNERS = concat!("SELECT DISTINCT ON (u.tenant_id) ", user_columns!(), "
        FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = ANY($1::uuid[]) AND u.role IN ('admin', 'super_admin') AND p.deleted_at IS NULL
        ORDER BY u.tenant_id, u.created_at, u.id");
    SWITCH_OFF = "UPDATE users SET is_active = false, updated_at = $2
        WHERE tenant_id = $1 AND coalesce(is_active, true) RETURNING id";
    END_SESSIONS = "UPDATE login_sessions SET revoked_at = $2, revoked_reason = 'tenant suspended'
        WHERE tenant_id = $1 AND revoked_at IS NULL";
    /// Deleted since means deleted still: whoever restores the account switches it on.
    SWITCH_ON = "UPDATE users u SET is_active = true, updated_at = $3
        WHERE u.tenant_id = $1 AND u.id = ANY($2::uuid[]) AND NOT coalesce(u.is_active, true)
        AND NOT EXISTS (SELECT FROM user_profiles p WHERE p.user_id = u.id AND p.deleted_at IS NOT NULL)
        RETURNING u.id";
    SWITCH_PROFILES = "UPDATE user_profiles SET is_active = $3, updated_at = $4
        WHERE tenant_id = $1 AND user_id = ANY($2::uuid[])";
}

/// Counts of one tenant's people, deleted ones left out.
#[derive(Debug)]
pub(crate) struct TenantCounts {
    pub(crate) tenant: TenantId,
    pub(crate) people: i64,
    pub(crate) active: i64,
}

impl FromRow for TenantCounts {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { tenant: TenantId(get(row, "tenant_id")?), people: get(row, "people")?, active: get(row, "active")? })
    }
}

pub(crate) async fn tenant_of_address(tx: &SystemTx, email: &str) -> Result<Option<TenantId>, db::Error> {
    let rows = tx.rows(&TENANT_OF_ADDRESS, &[&email]).await?;
    rows.first().map(|row| get(row, "tenant_id").map(TenantId)).transpose()
}

pub(crate) async fn is_member_address(tx: &TenantTx, email: &str) -> Result<bool, db::Error> {
    tx.scalar(&IS_MEMBER_ADDRESS, &[&tx.tenant().0, &email]).await
}

pub(crate) async fn is_member(tx: &TenantTx, id: UserId) -> Result<bool, db::Error> {
    tx.scalar(&IS_MEMBER, &[&tx.tenant().0, &id.0]).await
}

/// Some of the tenant ids that accounts name and that come after `after`, in order.
pub(crate) async fn tenants_after(tx: &Tx, after: TenantId) -> Result<Vec<TenantId>, db::Error> {
    let rows = tx.rows(&TENANTS_AFTER, &[&after.0]).await?;
    rows.iter().map(|row| get(row, "tenant_id").map(TenantId)).collect()
}

pub(crate) async fn count(tx: &Tx, tenant: TenantId) -> Result<i64, db::Error> {
    tx.scalar(&COUNT, &[&tenant.0]).await
}

pub(crate) async fn counts(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<TenantCounts>, db::Error> {
    tx.all(&COUNTS, &[&uuids(tenants.iter().map(|id| id.0))]).await
}

/// The admin of each tenant who has been there longest.
pub(crate) async fn owners(tx: &Tx, tenants: &[TenantId]) -> Result<Vec<User>, db::Error> {
    tx.all(&OWNERS, &[&uuids(tenants.iter().map(|id| id.0))]).await
}

/// Switches off whoever is on, and ends all log-ins of the tenant. A log-in under way has locked its account's row:
/// the update waits for it, and the second statement then sees its session.
pub(crate) async fn switch_off(tx: &TenantTx, now: Timestamp) -> Result<Vec<UserId>, db::Error> {
    let tenant = tx.tenant().0;
    let people = ids(&tx.rows(&SWITCH_OFF, &[&tenant, &now]).await?)?;
    switch_profiles(tx, &people, false, now).await?;
    let _ = tx.execute(&END_SESSIONS, &[&tenant, &now]).await?;
    Ok(people)
}

pub(crate) async fn switch_on(tx: &TenantTx, people: &[UserId], now: Timestamp) -> Result<Vec<UserId>, db::Error> {
    let asked = uuids(people.iter().map(|id| id.0));
    let people = ids(&tx.rows(&SWITCH_ON, &[&tx.tenant().0, &asked, &now]).await?)?;
    switch_profiles(tx, &people, true, now).await?;
    Ok(people)
}

async fn switch_profiles(tx: &TenantTx, people: &[UserId], on: bool, now: Timestamp) -> Result<(), db::Error> {
    let people = uuids(people.iter().map(|id| id.0));
    tx.execute(&SWITCH_PROFILES, &[&tx.tenant().0, &people, &on, &now]).await.map(drop)
}

fn ids(rows: &[Row]) -> Result<Vec<UserId>, db::Error> {
    rows.iter().map(|row| get(row, "id").map(UserId)).collect()
}

fn uuids(ids: impl Iterator<Item = Uuid>) -> Vec<Uuid> {
    ids.collect()
}
