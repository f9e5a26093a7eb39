//! Invitations by e-mail address.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use db::{FromRow, Row, get};
use jiff::{SignedDuration, Timestamp};
use kernel::{Redacted, Rng, Role, TenantId, UserId, Versioned};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::TenantError;

/// How long an invitation can be accepted; sending it again starts anew.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// `invitations.id`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvitationId(pub(crate) Uuid);

impl From<Uuid> for InvitationId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// Somebody asked to join a tenant.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Invitation {
    pub(crate) id: Uuid,
    #[schema(value_type = Uuid)]
    pub(crate) tenant_id: TenantId,
    /// Whom it was sent to.
    pub(crate) email: String,
    /// What the person will be: `user` or `admin`.
    pub(crate) role: String,
    /// Where it stands.
    pub(crate) status: InvitationStatus,
    /// Who invited; null when a service did.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) invited_by: Option<UserId>,
    /// Who accepted.
    #[schema(value_type = Option<Uuid>)]
    pub(crate) accepted_by: Option<UserId>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Until when it can be accepted.
    pub(crate) expires_at: Timestamp,
    pub(crate) accepted_at: Option<Timestamp>,
}

impl Versioned for Invitation {}

impl Invitation {
    /// The same, as it stands at `now`: time expires an invitation before the job gets to it.
    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        if self.status == InvitationStatus::Pending && self.expires_at <= now {
            self.status = InvitationStatus::Expired;
        }
        self
    }
}

impl FromRow for Invitation {
    fn from_row(row: &Row) -> Result<Self, db::Error> {
        Ok(Self {
            id: get(row, "id")?,
            tenant_id: TenantId(get(row, "tenant_id")?),
            email: get(row, "email")?,
            role: get(row, "role")?,
            status: InvitationStatus::from_stored(get(row, "status")?),
            invited_by: get::<Option<Uuid>>(row, "invited_by")?.map(UserId),
            accepted_by: get::<Option<Uuid>>(row, "accepted_by")?.map(UserId),
            created_at: get(row, "created_at")?,
            updated_at: get(row, "updated_at")?,
            expires_at: get(row, "expires_at")?,
            accepted_at: get(row, "accepted_at")?,
        })
    }
}

/// Where an invitation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvitationStatus {
    /// Can be accepted.
    Pending,
    Accepted,
    Revoked,
    /// Too old; can be sent again.
    Expired,
}

impl InvitationStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Revoked, Self::Expired];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The table's CHECK allows the four words only; anything else admits nobody.
    fn from_stored(word: &str) -> Self {
        Self::parse(word).unwrap_or(Self::Revoked)
    }
}

/// What an invited person may become. Dashboards send the words of workspace roles too (T-19).
pub(crate) fn parse_role(word: &str) -> Result<Role, TenantError> {
    match word {
        "" | "user" | "member" | "viewer" => Ok(Role::User),
        "admin" => Ok(Role::Admin),
        _ => Err(TenantError::invalid("Invalid role", "role", "must be user or admin")),
    }
}

/// 32 random bytes in letters that survive an address line.
pub(crate) fn new_token(rng: &dyn Rng) -> Redacted<String> {
    BASE64_URL_SAFE_NO_PAD.encode(rng.bytes::<32>()).into()
}

/// What is stored of a token.
pub(crate) fn hash_of(token: &str) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
