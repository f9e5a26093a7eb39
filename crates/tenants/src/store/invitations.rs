//! All SQL about invitations. A token is looked up by its SHA-256; the text itself is never stored.

use db::{Row, SystemTx, TenantTx, Tx, get, statements};
use jiff::Timestamp;
use kernel::{Dialect, Page, PageRequest, TenantId, UserId};

use crate::cursor::Cursor;
use crate::model::{Email, Invitation, InvitationId, InvitationStatus};

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
    COUNT = "SELECT count(*) FROM invitations WHERE tenant_id = $1
        AND ($2::text IS NULL OR CASE WHEN status = 'pending' AND expires_at <= $3 THEN 'expired' ELSE status END = $2)";
    PAGE = concat!("SELECT ", invitation_columns!(), " FROM invitations WHERE tenant_id = $1
        AND ($2::text IS NULL OR CASE WHEN status = 'pending' AND expires_at <= $3 THEN 'expired' ELSE status END = $2)
        ORDER BY created_at DESC, id DESC LIMIT $4 OFFSET $5");
    PAGE_AFTER = concat!("SELECT ", invitation_columns!(), " FROM invitations WHERE tenant_id = $1
        AND ($2::text IS NULL OR CASE WHEN status = 'pending' AND expires_at <= $3 THEN 'expired' ELSE status END = $2)
        AND (created_at, id) < ($5, $6)
        ORDER BY created_at DESC, id DESC LIMIT $4");
}

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

/// One page, newest first.
pub(crate) async fn list(
    tx: &TenantTx,
    status: Option<InvitationStatus>,
    request: PageRequest,
    after: Option<Cursor>,
    now: Timestamp,
) -> Result<Page<Invitation>, db::Error> {
    let tenant = tx.tenant().0;
    let status = status.map(InvitationStatus::as_str);
    // One more than asked for tells whether more follow.
    let limit = i64::from(request.size) + 1;
    let after = after.as_ref().and_then(|after| Some((after.time()?, after.id)));
    let items: Vec<Invitation> = if let Some((at, id)) = after {
        tx.all(&PAGE_AFTER, &[&tenant, &status, &now, &limit, &at, &id]).await?
    } else {
        let skip = i64::try_from(request.offset).unwrap_or(i64::MAX);
        tx.all(&PAGE, &[&tenant, &status, &now, &limit, &skip]).await?
    };
    let total = match request.dialect {
        Dialect::Cursor => None,
        Dialect::Page | Dialect::Offset => {
            u64::try_from(tx.scalar::<i64>(&COUNT, &[&tenant, &status, &now]).await?).ok()
        }
    };
    let mut items: Vec<Invitation> = items.into_iter().map(|one| one.at(now)).collect();
    let more = items.len() > request.size as usize;
    items.truncate(request.size as usize);
    let last = items.last().filter(|_| more);
    let next_cursor = last.map(|one| Cursor::new("created_at", false, one.created_at.to_string(), one.id).encode());
    Ok(Page { items, total, request, next_cursor })
}
