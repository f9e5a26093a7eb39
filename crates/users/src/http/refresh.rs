//! `POST /auth/refresh`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use kernel::Redacted;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Auth, Cx, ErrorBody, OptionalBody};

use super::store_failed;
use super::views::TokenResponse;
use crate::Users;
use crate::token::ACCESS_LIFETIME;

/// The token to exchange.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct RefreshRequest {
    #[schema(value_type = Option<String>)]
    refresh_token: Option<Redacted<String>>,
}

/// A new access token alone, for clients that send no body (T-72).
#[derive(Serialize)]
struct Renewed {
    token: String,
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    user: crate::User,
}

/// Exchange a refresh token
///
/// The presented token is used up; for 30 seconds it still answers with the same successor, so that two tabs of one
/// browser do not sign each other out. Shown again later, it ends the whole log-in. Without a body, a still valid
/// bearer token is answered with a new access token.
#[utoipa::path(
    post,
    path = "/auth/refresh",
    tag = "auth",
    operation_id = "refresh",
    request_body = RefreshRequest,
    security((), ("bearer" = [])),
    responses(
        (status = 200, body = TokenResponse),
        (status = 400, description = "No body and no valid bearer token", body = ErrorBody<'static>),
        (status = 401, description = "Unknown, expired, revoked or replayed", body = ErrorBody<'static>),
    )
)]
pub(super) async fn refresh(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    caller: Result<Auth, ApiError>,
    OptionalBody(request): OptionalBody<RefreshRequest>,
) -> Result<Response, ApiError> {
    if let Some(request) = request {
        let token = request.refresh_token.unwrap_or_default();
        return Ok(Json(TokenResponse::from(
            users.refresh(&cx, &token).await.map_err(store_failed("Token refresh failed"))?,
        ))
        .into_response());
    }
    let cx = match caller {
        Ok(Auth(cx)) => cx,
        Err(error) if error.status().is_server_error() => return Err(error),
        Err(_) => return Err(ApiError::invalid_body()),
    };
    let actor = cx.user().ok_or_else(ApiError::invalid_body)?;
    let (user, token) = users.renew_access(&cx, actor).await?;
    let token = token.expose().clone();
    Ok(Json(Renewed {
        access_token: token.clone(),
        token,
        token_type: "Bearer",
        expires_in: ACCESS_LIFETIME.as_secs(),
        user,
    })
    .into_response())
}
