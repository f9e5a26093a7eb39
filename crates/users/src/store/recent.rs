//! SQL about what was changed of accounts lately (T-30).

use db::{FromRow, Row, SystemTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{TenantId, UserId};

statements! {
    INSERT = "INSERT INTO account_changes (tenant_id, user_id, field, value_before, value_after, changed_at, look_at)
        SELECT $1, user_id, field, value_before, value_after, $2, $3
        FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[]) AS one (user_id, field, value_before, value_after)";
    DUE = "SELECT DISTINCT user_id FROM (
            SELECT user_id FROM account_changes WHERE look_at <= $1 ORDER BY look_at LIMIT 500) due";
    LOCK_ANYWHERE = "SELECT coalesce(password_hash, '') AS password_hash, coalesce(first_name, '') AS first_name,
            coalesce(last_name, '') AS last_name, coalesce(role, 'user') AS role,
            coalesce(is_active, true)::text AS is_active
        FROM users WHERE id = $1 FOR UPDATE";
    OF_USER = "SELECT field, value_before, value_after FROM account_changes WHERE user_id = $1 ORDER BY id";
    PUT_BACK = "UPDATE users SET password_hash = coalesce($2, password_hash), first_name = coalesce($3, first_name),
            last_name = coalesce($4, last_name), role = coalesce($5, role),
            is_active = coalesce($6::text::boolean, is_active), updated_at = $7
        WHERE id = $1";
    LOOK_AGAIN = "UPDATE account_changes SET look_at = $2 WHERE user_id = $1";
    FORGET = "DELETE FROM account_changes WHERE user_id = $1 AND changed_at <= $2";
}

/// A column of `users` that was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    PasswordHash,
    FirstName,
    LastName,
    Role,
    IsActive,
}

impl Field {
    pub(crate) const ALL: [Self; 5] = [Self::PasswordHash, Self::FirstName, Self::LastName, Self::Role, Self::IsActive];

    /// The column.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PasswordHash => "password_hash",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Role => "role",
            Self::IsActive => "is_active",
        }
    }
}

/// One column of one account.
pub(crate) struct Change {
    pub(crate) user: UserId,
    pub(crate) field: Field,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// A row of the table, of an account that is known.
pub(crate) struct Recent {
    pub(crate) field: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

impl FromRow for Recent {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self { field: get(row, "field")?, before: get(row, "value_before")?, after: get(row, "value_after")? })
    }
}

/// Remembers changes of accounts of one tenant, to look after them first at `look_at`.
pub(crate) async fn insert(
    tx: &Tx,
    tenant: TenantId,
    changes: &[Change],
    now: Timestamp,
    look_at: Timestamp,
) -> Result<(), db::Error> {
    let users: Vec<uuid::Uuid> = changes.iter().map(|change| change.user.0).collect();
    let fields: Vec<&str> = changes.iter().map(|change| change.field.name()).collect();
    let before: Vec<&str> = changes.iter().map(|change| change.before.as_str()).collect();
    let after: Vec<&str> = changes.iter().map(|change| change.after.as_str()).collect();
    tx.execute(&INSERT, &[&tenant.0, &now, &look_at, &users, &fields, &before, &after]).await.map(drop)
}

/// Whose accounts are to be looked at.
pub(crate) async fn due(tx: &SystemTx, now: Timestamp) -> Result<Vec<UserId>, db::Error> {
    let rows = tx.rows(&DUE, &[&now]).await?;
    rows.iter().map(|row| get(row, "user_id").map(UserId)).collect()
}

/// The columns as they are, in the order of [`Field::ALL`], with the row locked; `None` if there is nobody.
pub(crate) async fn lock(tx: &SystemTx, id: UserId) -> Result<Option<[String; 5]>, db::Error> {
    let rows = tx.rows(&LOCK_ANYWHERE, &[&id.0]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let [hash, first, last, role, active] = Field::ALL.map(|field| get(row, field.name()));
    Ok(Some([hash?, first?, last?, role?, active?]))
}

/// What was changed of one account, the oldest first.
pub(crate) async fn of_user(tx: &SystemTx, id: UserId) -> Result<Vec<Recent>, db::Error> {
    tx.all(&OF_USER, &[&id.0]).await
}

/// Writes the values that are there, in the order of [`Field::ALL`].
pub(crate) async fn put_back(
    tx: &SystemTx,
    id: UserId,
    values: &[Option<String>; 5],
    now: Timestamp,
) -> Result<(), db::Error> {
    let [hash, first, last, role, active] = values;
    tx.write_one(&PUT_BACK, &[&id.0, hash, first, last, role, active, &now]).await
}

/// Forgets what was changed before `until`, and looks at the rest again at `look_at`.
pub(crate) async fn look_again(
    tx: &SystemTx,
    id: UserId,
    until: Timestamp,
    look_at: Timestamp,
) -> Result<(), db::Error> {
    tx.execute(&FORGET, &[&id.0, &until]).await?;
    tx.execute(&LOOK_AGAIN, &[&id.0, &look_at]).await.map(drop)
}
