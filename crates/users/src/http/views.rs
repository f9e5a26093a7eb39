//! Answers more than one endpoint gives.

use kernel::{TenantId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::User;
use crate::service::LoggedIn;
use crate::token::ACCESS_LIFETIME;

/// A pair of tokens, under every name that clients read it by (T-21).
#[derive(Serialize, ToSchema)]
pub(super) struct TokenPair {
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
}

impl TokenPair {
    fn of(logged_in: &LoggedIn) -> Self {
        let access_token = logged_in.access_token.expose().clone();
        Self {
            token: access_token.clone(),
            access_token,
            refresh_token: logged_in.refresh_token.expose().clone(),
            token_type: "Bearer",
            expires_in: ACCESS_LIFETIME.as_secs(),
        }
    }
}

/// The answer to a log-in or refresh.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenResponse {
    #[serde(flatten)]
    tokens: TokenPair,
    #[schema(value_type = uuid::Uuid)]
    user_id: UserId,
    #[schema(value_type = uuid::Uuid)]
    tenant_id: TenantId,
    user: User,
}

impl From<LoggedIn> for TokenResponse {
    fn from(logged_in: LoggedIn) -> Self {
        let tokens = TokenPair::of(&logged_in);
        let user = logged_in.user;
        Self { tokens, user_id: user.id, tenant_id: user.tenant_id, user }
    }
}

/// The answer to a registration: the person's fields, and a pair of tokens beside them.
#[derive(Serialize, ToSchema)]
pub(super) struct Registered {
    #[serde(flatten)]
    fields: User,
    #[serde(flatten)]
    tokens: TokenPair,
    user: User,
}

impl From<LoggedIn> for Registered {
    fn from(logged_in: LoggedIn) -> Self {
        let tokens = TokenPair::of(&logged_in);
        Self { fields: logged_in.user.clone(), tokens, user: logged_in.user }
    }
}
