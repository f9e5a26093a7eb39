//! All SQL about invitations. A token is looked up by its SHA-256; the text itself is never stored.

use db::list::{Kind, List, Position, SortKey, Source};
use db::{Row, SystemTx, TenantTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{Email, Page, TenantId, UserId};

use crate::model::{Invitation, InvitationId, InvitationStatus};

/// The columns of [`Invitation`].
macro_rules! invitation_columns {
    () => {
        "id, tenant_id, email, role, status, invited_by, accepted_by, created_at, updated_at, expires_at, accepted_at"
    };
}

statements! {
    INSERT = "INSERT INTO invitations (id, tenant_id, email, role, status, token_hash, invited_by, created_at,
            updated_at, expires_at)
        VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $7, $8)";
    FIND = concat!("SELECT ", invitation_columns!(), " FROM invitations WHERE tenant_id = $1 AND id = $2");
    FIND_BY_TOKEN = concat!("SELECT ", invitation_columns!(), " FROM invitations WHERE token_hash = $1");
    /// Room for a new one: what time has ended no longer counts as pending.
    EXPIRE_ADDRESS = "UPDATE invitations SET status = 'expired', updated_at = $3
        WHERE tenant_id = $1 AND lower(email COLLATE \"C\") = $2 AND status = 'pending' AND expires_at <= $3
        RETURNING id";
    COUNT_PENDING = "SELECT count(*) FROM invitations
        WHERE tenant_id = $1 AND status = 'pending' AND expires_at > $2 AND ($3::uuid IS NULL OR id <> $3)";
    RENEW = "UPDATE invitations SET status = 'pending', token_hash = $3, expires_at = $4, updated_at = $5
        WHERE tenant_id = $1 AND id = $2";
    REVOKE = "UPDATE invitations SET status = 'revoked', updated_at = $3 WHERE tenant_id = $1 AND id = $2";
    REVOKE_ALL = "UPDATE invitations SET status = 'revoked', updated_at = $2
        WHERE tenant_id = $1 AND status = 'pending'";
    ACCEPT = "UPDATE invitations SET status = 'accepted', accepted_by = $2, accepted_at = $3, updated_at = $3
        WHERE id = $1 AND status = 'pending'";
    TENANTS_WITH_OVERDUE = "SELECT DISTINCT tenant_id FROM invitations
        WHERE status = 'pending' AND expires_at <= $1 LIMIT 100";
    EXPIRE = "UPDATE invitations SET status = 'expired', updated_at = $2
        WHERE id IN (SELECT id FROM invitations WHERE tenant_id = $1 AND status = 'pending' AND expires_at <= $2
            ORDER BY id LIMIT 100)
        RETURNING id";
}

/// Newest first: (tenant, status, now).
pub(crate) static LIST: List = List {
    name: "tenants::store::invitations::PAGE",
    count_name: "tenants::store::invitations::COUNT",
    columns: invitation_columns!(),
    source: Source::Table(
        "FROM invitations WHERE tenant_id = $1
        AND ($2::text IS NULL OR CASE WHEN status = 'pending' AND expires_at <= $3 THEN 'expired' ELSE status END = $2)",
    ),
    params: 3,
    id: "id",
    id_kind: Kind::Uuid,
    sorts: &[SortKey { name: "created_at", expression: "created_at", kind: Kind::Time }],
};

/// A row for `invitations`.
pub(crate) struct NewInvitation<'a> {
    pub(crate) id: InvitationId,
    pub(crate) email: &'a Email,
    pub(crate) role: &'a str,
    pub(crate) token_hash: &'a [u8],
    pub(crate) invited_by: Option<UserId>,
    pub(crate) expires_at: Timestamp,
}

/// Marks the address's pending invitation if time has ended it, which makes room for another.
pub(crate) async fn expire_address(
    tx: &TenantTx,
    email: &Email,
    now: Timestamp,
) -> Result<Vec<InvitationId>, db::Error> {
    ids(&tx.rows(&EXPIRE_ADDRESS, &[&tx.tenant().0, &email.folded(), &now]).await?)
}

/// Inserts the invitation; the partial unique index refuses a second pending one of the address.
pub(crate) async fn insert(tx: &TenantTx, new: &NewInvitation<'_>, now: Timestamp) -> Result<(), db::Error> {
    let tenant = tx.tenant().0;
    let invited_by = new.invited_by.map(|id| id.0);
    tx.write_one(
        &INSERT,
        &[&new.id.0, &tenant, &new.email.as_str(), &new.role, &new.token_hash, &invited_by, &now, &new.expires_at],
    )
    .await
}

pub(crate) async fn find(tx: &TenantTx, id: InvitationId) -> Result<Option<Invitation>, db::Error> {
    tx.find(&FIND, &[&tx.tenant().0, &id.0]).await
}

pub(crate) async fn find_by_token(tx: &SystemTx, hash: &[u8]) -> Result<Option<Invitation>, db::Error> {
    tx.find(&FIND_BY_TOKEN, &[&hash]).await
}

/// Pending invitations that can still be accepted, each of which holds a seat; `except` is left out.
pub(crate) async fn count_pending(
    tx: &Tx,
    tenant: TenantId,
    except: Option<InvitationId>,
    now: Timestamp,
) -> Result<i64, db::Error> {
    tx.scalar(&COUNT_PENDING, &[&tenant.0, &now, &except.map(|id| id.0)]).await
}

pub(crate) async fn renew(
    tx: &TenantTx,
    id: InvitationId,
    token_hash: &[u8],
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<(), db::Error> {
    tx.write_one(&RENEW, &[&tx.tenant().0, &id.0, &token_hash, &expires_at, &now]).await
}

pub(crate) async fn revoke(tx: &TenantTx, id: InvitationId, now: Timestamp) -> Result<(), db::Error> {
    tx.write_one(&REVOKE, &[&tx.tenant().0, &id.0, &now]).await
}

/// Revokes what is pending in the tenant. Returns how many.
pub(crate) async fn revoke_all(tx: &TenantTx, now: Timestamp) -> Result<u64, db::Error> {
    tx.execute(&REVOKE_ALL, &[&tx.tenant().0, &now]).await
}

/// Marks a pending invitation accepted; false if it is no longer pending.
pub(crate) async fn accept(tx: &SystemTx, id: uuid::Uuid, by: UserId, now: Timestamp) -> Result<bool, db::Error> {
    tx.execute(&ACCEPT, &[&id, &by.0, &now]).await.map(|rows| rows == 1)
}

pub(crate) async fn tenants_with_overdue(tx: &SystemTx, now: Timestamp) -> Result<Vec<TenantId>, db::Error> {
    let rows = tx.rows(&TENANTS_WITH_OVERDUE, &[&now]).await?;
    rows.iter().map(|row| get(row, "tenant_id").map(TenantId)).collect()
}

/// Marks what time has ended, a bounded number a call.
pub(crate) async fn expire(tx: &TenantTx, now: Timestamp) -> Result<Vec<InvitationId>, db::Error> {
    ids(&tx.rows(&EXPIRE, &[&tx.tenant().0, &now]).await?)
}

fn ids(rows: &[Row]) -> Result<Vec<InvitationId>, db::Error> {
    rows.iter().map(|row| get(row, "id").map(InvitationId)).collect()
}

/// One page.
pub(crate) async fn list(
    tx: &TenantTx,
    status: Option<InvitationStatus>,
    at: Position,
    now: Timestamp,
) -> Result<Page<Invitation>, db::Error> {
    let status = status.map(InvitationStatus::as_str);
    let page = LIST.page::<Invitation>(tx, at, &[&tx.tenant().0, &status, &now]).await?;
    Ok(page.map(|one| one.at(now)))
}
