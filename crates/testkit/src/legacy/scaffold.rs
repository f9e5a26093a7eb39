//! The token check of the scaffold that user-, workspace- and notification-service were made from (contract 3.4): any
//! HMAC, and the word Bearer may be missing.

use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;

use super::access_token::AccessTokens;
use super::framework::{Refusal, header, refusal};

/// Whom a token names.
pub(super) struct Caller {
    /// Empty where the claim is.
    pub(super) user: String,
    /// Empty where the claim is missing.
    pub(super) tenant: String,
}

impl Caller {
    pub(super) fn of(headers: &HeaderMap, tokens: &AccessTokens, now: Timestamp) -> Result<Self, Refusal> {
        let refuse = |text| Err(refusal(StatusCode::UNAUTHORIZED, text).flagged());
        let value = header(headers, "authorization");
        if value.is_empty() {
            return refuse("Missing authorization header");
        }
        let token = value.strip_prefix("Bearer ").unwrap_or(value);
        let Some(claims) = tokens.verify_any_hmac(token, now) else { return refuse("Invalid token") };
        let text = |name: &str| claims.get(name).and_then(|claim| claim.as_str()).map(str::to_owned);
        let Some(user) = text("user_id") else { return refuse("Invalid token claims") };
        Ok(Self { user, tenant: text("tenant_id").unwrap_or_default() })
    }
}
