//! Answers more than one endpoint gives.

use kernel::{TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use web::PageFields;

use crate::Person;
use crate::model::{Invitation, Tenant};
use crate::ports::LogIn;
use crate::service::Invited;

/// A person with a pair of tokens, under every name that clients read it by (T-21).
#[derive(Serialize, ToSchema)]
pub(super) struct LoggedIn {
    /// Send as `Authorization: Bearer ...`; lives 24 hours.
    access_token: String,
    /// Exchange at `/auth/refresh` for the next pair; lives 7 days.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until the access token expires.
    expires_in: u64,
    /// The same as `access_token`.
    token: String,
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    #[schema(value_type = uuid::Uuid)]
    tenant_id: TenantId,
    user: Person,
}

impl From<LogIn> for LoggedIn {
    fn from(log_in: LogIn) -> Self {
        let access_token = log_in.access_token.expose().clone();
        Self {
            token: access_token.clone(),
            access_token,
            refresh_token: log_in.refresh_token.expose().clone(),
            token_type: "Bearer",
            expires_in: log_in.expires_in,
            user_id: log_in.person.id,
            tenant_id: log_in.person.tenant_id,
            user: log_in.person,
        }
    }
}

/// An invitation with its token.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationWithToken {
    #[serde(flatten)]
    invitation: Invitation,
    /// Give it to the invited person; it is shown this once and cannot be had again.
    token: String,
}

impl From<Invited> for InvitationWithToken {
    fn from(invited: Invited) -> Self {
        Self { token: invited.token.expose().clone(), invitation: invited.invitation }
    }
}

/// A page of tenants.
#[derive(Serialize, ToSchema)]
pub(super) struct TenantList {
    tenants: Vec<Tenant>,
    /// The same as `tenants`.
    data: Vec<Tenant>,
    #[serde(flatten)]
    page: PageFields,
}

/// A page of invitations.
#[derive(Serialize, ToSchema)]
pub(super) struct InvitationList {
    invitations: Vec<Invitation>,
    /// The same as `invitations`.
    data: Vec<Invitation>,
    #[serde(flatten)]
    page: PageFields,
}
