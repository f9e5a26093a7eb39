//! Who somebody is, for other slices to show beside an id.

use db::{FromRow, Row, TenantTx, get, statements};
use kernel::UserId;

statements! {
    // Old rows may have no name or address (T-43).
    NAMES = "SELECT u.id, coalesce(u.email, '') AS email, coalesce(u.first_name, '') AS first_name,
            coalesce(u.last_name, '') AS last_name FROM users u
        LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id = ANY($2) AND p.deleted_at IS NULL";
    ADDRESSEES = "SELECT u.id, coalesce(u.email, '') AS email, coalesce(u.first_name, '') AS first_name,
            coalesce(u.last_name, '') AS last_name,
            coalesce(nullif(p.display_name, ''), trim(concat_ws(' ', u.first_name, u.last_name))) AS display_name,
            coalesce(u.email_verified, false) AS email_verified,
            coalesce(p.preferences ->> 'locale', p.preferences ->> 'language') AS locale
        FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id = ANY($2) AND p.deleted_at IS NULL";
    PRESENT = "SELECT u.id, coalesce(u.is_active, true) AS is_active FROM users u
        LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id = ANY($2) AND p.deleted_at IS NULL";
    EVERYBODY = "SELECT u.id, coalesce(u.is_active, true) AS is_active FROM users u
        LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND p.deleted_at IS NULL AND (NOT $2 OR u.role IN ('admin', 'super_admin'))";
    SENIOR_ADMIN = "SELECT u.id, true AS is_active FROM users u LEFT JOIN user_profiles p ON p.user_id = u.id
        WHERE u.tenant_id = $1 AND u.id <> $2 AND u.role IN ('admin', 'super_admin') AND coalesce(u.is_active, true)
        AND p.deleted_at IS NULL
        ORDER BY coalesce(u.created_at, to_timestamp(0)), u.id LIMIT 1";
}

/// A living account, as its colleagues see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The account's id.
    pub id: UserId,
    /// The address.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

impl FromRow for Name {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: UserId(get(row, "id")?),
            email: get(row, "email")?,
            first_name: get(row, "first_name")?,
            last_name: get(row, "last_name")?,
        })
    }
}

/// Those of `ids` who are accounts of the transaction's tenant and not deleted, in any order.
pub async fn names(tx: &TenantTx, ids: &[UserId]) -> Result<Vec<Name>, db::Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    tx.all(&NAMES, &[&tx.tenant().0, &ids]).await
}

/// A living account, as it is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressee {
    /// The account.
    pub name: Name,
    /// What the person wants to be called.
    pub display_name: String,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
    /// `locale` or `language` of the person's preferences, whatever stands there.
    pub locale: Option<String>,
}

impl FromRow for Addressee {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            name: Name::from_row(row)?,
            display_name: get(row, "display_name")?,
            email_verified: get(row, "email_verified")?,
            locale: get(row, "locale")?,
        })
    }
}

/// Those of `ids` who are accounts of the transaction's tenant and not deleted, in any order.
pub async fn addressees(tx: &TenantTx, ids: &[UserId]) -> Result<Vec<Addressee>, db::Error> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    tx.all(&ADDRESSEES, &[&tx.tenant().0, &ids]).await
}

/// Somebody who is not deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Present {
    /// The account's id.
    pub id: UserId,
    /// Whether they may log in.
    pub is_active: bool,
}

impl FromRow for Present {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { id: UserId(get(row, "id")?), is_active: get(row, "is_active")? })
    }
}

/// Those of `ids` who are accounts of the transaction's tenant and not deleted, in any order.
pub async fn present(tx: &TenantTx, ids: &[UserId]) -> Result<Vec<Present>, db::Error> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    tx.all(&PRESENT, &[&tx.tenant().0, &ids]).await
}

/// Everybody of the transaction's tenant who is not deleted, or its admins only; also those who are switched off.
pub async fn everybody(tx: &TenantTx, admins_only: bool) -> Result<Vec<UserId>, db::Error> {
    let people: Vec<Present> = tx.all(&EVERYBODY, &[&tx.tenant().0, &admins_only]).await?;
    Ok(people.into_iter().map(|person| person.id).collect())
}

/// Who of the tenant's admins but `except` has been there longest and may log in.
pub async fn senior_admin(tx: &TenantTx, except: UserId) -> Result<Option<UserId>, db::Error> {
    Ok(tx.find::<Present>(&SENIOR_ADMIN, &[&tx.tenant().0, &except.0]).await?.map(|admin| admin.id))
}
