//! `POST /auth/change-password`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::Redacted;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Message};

use super::store_failed;
use crate::Users;

/// The current and the new password.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ChangePasswordRequest {
    /// The password as it is.
    #[schema(value_type = Option<String>, format = Password)]
    current_password: Option<Redacted<String>>,
    /// The password to be; at least 8 bytes.
    #[schema(value_type = Option<String>, format = Password, min_length = 8)]
    new_password: Option<Redacted<String>>,
}

/// Change the own password
///
/// Ends all other log-ins at once and revokes every refresh token; the access token that asked stays valid.
#[utoipa::path(
    post,
    path = "/auth/change-password",
    tag = "auth",
    operation_id = "change_password",
    request_body = ChangePasswordRequest,
    responses(
        (status = 200, body = Message),
        (status = 400, description = "Wrong current password, or the new one breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service, which has no password", body = ErrorBody<'static>),
        (status = 429, description = "Too many wrong passwords; see `Retry-After`", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn change_password(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Body(request): Body<ChangePasswordRequest>,
) -> Result<Json<Message>, ApiError> {
    let current = request.current_password.unwrap_or_default();
    let new = request.new_password.unwrap_or_default();
    users.change_password(&cx, current, &new).await.map_err(store_failed("Password change failed"))?;
    Ok(Json(Message::new("Password changed successfully")))
}
