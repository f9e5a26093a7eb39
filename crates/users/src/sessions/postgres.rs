//! Refresh tokens in PostgreSQL: only their SHA-256 is stored, one family a log-in, reuse revokes the family.
//!
//! The successor of a token is HMAC-SHA256(token, nonce), the nonce drawn when the token is first exchanged. Whoever
//! holds the old token can be given the same successor again during the grace period, although neither is stored;
//! the database alone, or the old token alone, yields nothing.

use db::{FromRow, Row, SystemTx, TenantTx, statements};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use kernel::{Ctx, Redacted, SessionId, TenantId, UserId};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{GRACE, REFRESH_LIFETIME, spell};
use crate::audit;

statements! {
    INSERT_SESSION = "INSERT INTO login_sessions
        (id, user_id, tenant_id, ip, user_agent, created_at, last_used_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7)";
    NEW_DEVICE = "SELECT EXISTS (SELECT FROM login_sessions WHERE user_id = $1)
        AND NOT EXISTS (SELECT FROM login_sessions WHERE user_id = $1 AND user_agent IS NOT DISTINCT FROM $2)";
    INSERT_TOKEN = "INSERT INTO refresh_tokens (id, token_hash, user_id, session_id, expires_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    LOCK_TOKEN = "SELECT t.id, t.user_id, t.session_id, t.expires_at, t.revoked_at, t.rotated_at, t.successor_nonce,
            s.revoked_at AS session_revoked_at
        FROM refresh_tokens t JOIN login_sessions s ON s.id = t.session_id
        WHERE t.token_hash = $1 FOR UPDATE OF t, s";
    ROTATE_TOKEN = "UPDATE refresh_tokens SET rotated_at = $2, last_used_at = $2, successor_nonce = $3 WHERE id = $1";
    TOUCH_SESSION = "UPDATE login_sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1";
    REVOKE_SESSION = "UPDATE login_sessions SET revoked_at = $2, revoked_reason = $3
        WHERE id = $1 AND revoked_at IS NULL RETURNING tenant_id";
    SESSION_OF_TOKEN = "SELECT session_id FROM refresh_tokens WHERE token_hash = $1 AND session_id IS NOT NULL";
    REVOKE_TOKENS_OF_USER = "UPDATE refresh_tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";
    LOCK_SESSIONS_OF_USER = "SELECT id FROM login_sessions WHERE user_id = $1 AND revoked_at IS NULL
        ORDER BY id FOR UPDATE";
    END_SESSIONS_OF_USER = "UPDATE login_sessions SET revoked_at = $3, revoked_reason = $4
        WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL";
    REVOKE_SESSIONS_OF_USER = "UPDATE login_sessions SET revoked_at = $2, revoked_reason = $3
        WHERE user_id = $1 AND revoked_at IS NULL AND ($4::uuid IS NULL OR id <> $4)";
    LIST_SESSIONS = "SELECT id, ip, user_agent, created_at, last_used_at, expires_at FROM login_sessions
        WHERE tenant_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3
        ORDER BY last_used_at DESC, id LIMIT 100";
    REVOKE_OWN_SESSION = "UPDATE login_sessions SET revoked_at = $4, revoked_reason = 'revoked by the person'
        WHERE tenant_id = $1 AND user_id = $2 AND id = $3 AND revoked_at IS NULL";
    DELETE_EXPIRED_TOKENS = "DELETE FROM refresh_tokens WHERE id IN
        (SELECT id FROM refresh_tokens WHERE expires_at < $1 LIMIT 1000)";
    DELETE_EXPIRED_SESSIONS = "DELETE FROM login_sessions WHERE id IN
        (SELECT id FROM login_sessions WHERE expires_at < $1 LIMIT 1000)";
}

pub(crate) struct PostgresSessions;

/// What exchanging a token came to.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The next token, for this person and log-in.
    Successor { token: Redacted<String>, user: UserId, session: SessionId },
    /// Unknown, expired or revoked.
    Refused,
    /// Shown again after the grace period: stolen or badly kept. The family is revoked; commit to make it so.
    Reused(SessionId),
}

struct TokenRow {
    id: Uuid,
    user: UserId,
    session: SessionId,
    expires_at: Timestamp,
    revoked: bool,
    rotation: Option<(Timestamp, Vec<u8>)>,
}

impl FromRow for TokenRow {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        let rotated_at: Option<Timestamp> = db::get(row, "rotated_at")?;
        let nonce: Option<Vec<u8>> = db::get(row, "successor_nonce")?;
        Ok(Self {
            id: db::get(row, "id")?,
            user: UserId(db::get(row, "user_id")?),
            session: SessionId(db::get(row, "session_id")?),
            expires_at: db::get(row, "expires_at")?,
            revoked: db::get::<Option<Timestamp>>(row, "revoked_at")?.is_some()
                || db::get::<Option<Timestamp>>(row, "session_revoked_at")?.is_some(),
            rotation: rotated_at.zip(nonce),
        })
    }
}

/// One log-in of a person.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Session {
    /// Pass to `DELETE /auth/sessions/{id}`.
    #[schema(value_type = Uuid)]
    pub(crate) id: SessionId,
    /// The address it was opened from.
    pub(crate) ip: Option<String>,
    /// The program it was opened with.
    pub(crate) user_agent: Option<String>,
    /// When it was opened.
    pub(crate) created_at: Timestamp,
    /// When its tokens were last exchanged.
    pub(crate) last_used_at: Timestamp,
    /// When it ends unless used.
    pub(crate) expires_at: Timestamp,
    /// Whether it is the one asking.
    pub(crate) current: bool,
}

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: SessionId(db::get(row, "id")?),
            ip: db::get(row, "ip")?,
            user_agent: db::get(row, "user_agent")?,
            created_at: db::get(row, "created_at")?,
            last_used_at: db::get(row, "last_used_at")?,
            expires_at: db::get(row, "expires_at")?,
            current: false,
        })
    }
}

impl PostgresSessions {
    /// Opens a log-in and stores its first token.
    pub(crate) async fn open(
        &self,
        tx: &SystemTx,
        cx: &Ctx,
        user: UserId,
        tenant: TenantId,
        token: &Redacted<String>,
    ) -> Result<SessionId, db::Error> {
        let (id, now): (SessionId, _) = (cx.new_id(), cx.now());
        let expires_at = now + REFRESH_LIFETIME;
        let ip = cx.origin.ip.map(|ip| ip.to_string());
        tx.write_one(&INSERT_SESSION, &[&id.0, &user.0, &tenant.0, &ip, &cx.origin.user_agent, &now, &expires_at])
            .await?;
        self.insert(tx, cx, user, id, token).await?;
        Ok(id)
    }

    /// Whether the person has logged in before, but never with this program. Ask before opening the log-in.
    pub(crate) async fn is_new_device(&self, tx: &SystemTx, cx: &Ctx, user: UserId) -> Result<bool, db::Error> {
        tx.scalar(&NEW_DEVICE, &[&user.0, &cx.origin.user_agent]).await
    }

    async fn insert(
        &self,
        tx: &SystemTx,
        cx: &Ctx,
        user: UserId,
        session: SessionId,
        token: &Redacted<String>,
    ) -> Result<(), db::Error> {
        let (id, now): (Uuid, _) = (cx.new_id(), cx.now());
        let expires_at = now + REFRESH_LIFETIME;
        tx.write_one(&INSERT_TOKEN, &[&id, &digest(token.expose()), &user.0, &session.0, &expires_at, &now]).await
    }

    /// Exchanges `token` for its successor.
    pub(crate) async fn exchange(&self, tx: &SystemTx, cx: &Ctx, token: &str) -> Result<Exchange, db::Error> {
        // The row lock makes a second exchange wait for the first and then see its nonce.
        let Some(row) = tx.find::<TokenRow>(&LOCK_TOKEN, &[&digest(token)]).await? else {
            return Ok(Exchange::Refused);
        };
        let now = cx.now();
        if row.revoked || row.expires_at <= now {
            return Ok(Exchange::Refused);
        }
        let nonce = match row.rotation {
            Some((rotated_at, _)) if now.duration_since(rotated_at) > GRACE => {
                self.revoke(tx, cx, row.session, "session.revoked", "refresh token used twice").await?;
                return Ok(Exchange::Reused(row.session));
            }
            Some((_, nonce)) => nonce,
            None => {
                let nonce = cx.rng().bytes::<32>().to_vec();
                tx.write_one(&ROTATE_TOKEN, &[&row.id, &now, &nonce]).await?;
                let successor = successor(token, &nonce);
                self.insert(tx, cx, row.user, row.session, &successor).await?;
                tx.write_one(&TOUCH_SESSION, &[&row.session.0, &now, &(now + REFRESH_LIFETIME)]).await?;
                nonce
            }
        };
        Ok(Exchange::Successor { token: successor(token, &nonce), user: row.user, session: row.session })
    }

    /// Ends one log-in with all its tokens, the access tokens included; records it as `action`.
    pub(crate) async fn revoke(
        &self,
        tx: &SystemTx,
        cx: &Ctx,
        session: SessionId,
        action: &'static str,
        reason: &str,
    ) -> Result<(), db::Error> {
        let ended = tx.rows(&REVOKE_SESSION, &[&session.0, &cx.now(), &reason]).await?;
        match ended.first() {
            Some(row) => {
                let tenant = TenantId(db::get(row, "tenant_id")?);
                tx.audit(cx, &audit::session_ended(action, session, tenant)).await
            }
            None => Ok(()),
        }
    }

    /// Ends the log-in a token belongs to, if any.
    pub(crate) async fn revoke_by_token(&self, tx: &SystemTx, cx: &Ctx, token: &str) -> Result<(), db::Error> {
        let found = tx.rows(&SESSION_OF_TOKEN, &[&digest(token)]).await?;
        match found.first() {
            Some(row) => {
                let session = SessionId(db::get(row, "session_id")?);
                self.revoke(tx, cx, session, "session.logged_out", "logged out").await
            }
            None => Ok(()),
        }
    }

    /// Revokes all refresh tokens of a person and ends all log-ins but `keep`, whose access token lives on.
    pub(crate) async fn revoke_all(
        &self,
        tx: &SystemTx,
        cx: &Ctx,
        user: UserId,
        keep: Option<SessionId>,
        reason: &str,
    ) -> Result<(), db::Error> {
        let (now, keep) = (cx.now(), keep.map(|session| session.0));
        // Tokens before sessions, the order in which an exchange locks them; then the tokens that an exchange under way
        // added meanwhile.
        let _ = tx.execute(&REVOKE_TOKENS_OF_USER, &[&user.0, &now]).await?;
        tx.rows(&LOCK_SESSIONS_OF_USER, &[&user.0]).await?;
        let _ = tx.execute(&REVOKE_TOKENS_OF_USER, &[&user.0, &now]).await?;
        let _ = tx.execute(&REVOKE_SESSIONS_OF_USER, &[&user.0, &now, &reason, &keep]).await?;
        Ok(())
    }

    /// Ends all log-ins of a person in their tenant's own transaction.
    pub(crate) async fn end_all(&self, tx: &TenantTx, cx: &Ctx, user: UserId, reason: &str) -> Result<(), db::Error> {
        tx.execute(&END_SESSIONS_OF_USER, &[&tx.tenant().0, &user.0, &cx.now(), &reason]).await.map(drop)
    }

    /// The open log-ins of a person, last used first.
    pub(crate) async fn list(&self, tx: &TenantTx, cx: &Ctx, user: UserId) -> Result<Vec<Session>, db::Error> {
        tx.all(&LIST_SESSIONS, &[&tx.tenant().0, &user.0, &cx.now()]).await
    }

    /// Ends one log-in of `user`; false if there is none such.
    pub(crate) async fn revoke_own(
        &self,
        tx: &TenantTx,
        cx: &Ctx,
        user: UserId,
        session: SessionId,
    ) -> Result<bool, db::Error> {
        let ended = tx.execute(&REVOKE_OWN_SESSION, &[&tx.tenant().0, &user.0, &session.0, &cx.now()]).await? == 1;
        if ended {
            tx.audit(cx, &audit::session_ended("session.revoked", session, tx.tenant())).await?;
        }
        Ok(ended)
    }

    /// Deletes tokens and log-ins that ended more than a month ago. Returns how many rows went.
    pub(crate) async fn delete_expired(&self, tx: &SystemTx, cx: &Ctx) -> Result<u64, db::Error> {
        let before = cx.now() - jiff::SignedDuration::from_hours(30 * 24);
        Ok(tx.execute(&DELETE_EXPIRED_TOKENS, &[&before]).await?
            + tx.execute(&DELETE_EXPIRED_SESSIONS, &[&before]).await?)
    }
}

fn digest(token: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(token).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn successor(token: &str, nonce: &[u8]) -> Redacted<String> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(token.as_bytes()).unwrap_or_else(|_| unreachable!("any length is a key"));
    mac.update(nonce);
    spell(&mac.finalize().into_bytes().into())
}
