//! `POST /auth/validate`: the bearer header is the input, the body is ignored.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::Auth;
use crate::legacy::framework::{INTERNAL, Refusal, Reply, answer, header, refusal};

pub(super) async fn validate(State(auth): State<Arc<Auth>>, headers: HeaderMap) -> Reply {
    let token = token_of(header(&headers, "authorization"), StatusCode::BAD_REQUEST)?;
    let claims = auth.access.verify(token, auth.clock.now());
    let claims = claims.ok_or_else(|| refusal(StatusCode::UNAUTHORIZED, "Invalid token"))?;
    let text = |name: &str| claims.get(name).filter(|claim| claim.is_string());
    let number = |name: &str| claims.get(name).and_then(Value::as_i64);
    // A claim that is missing made the old code panic, which its framework turned into 500.
    let (Some(user), Some(email), Some(role), Some(tenant), Some(exp), Some(iat)) =
        (text("user_id"), text("email"), text("role"), text("tenant_id"), number("exp"), number("iat"))
    else {
        return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL));
    };
    let body = json!({ "user_id": user, "email": email, "role": role, "tenant_id": tenant, "exp": exp, "iat": iat });
    answer(StatusCode::OK, &body)
}

/// Exactly two parts split on one space, the scheme as it is written here.
pub(super) fn token_of(value: &str, status: StatusCode) -> Result<&str, Refusal> {
    if value.is_empty() {
        return Err(refusal(status, "Missing Authorization header"));
    }
    match value.split(' ').collect::<Vec<_>>()[..] {
        ["Bearer", token] => Ok(token),
        _ => Err(refusal(status, "Invalid Authorization header format")),
    }
}
