//! `POST /public/invitations/accept`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use kernel::Redacted;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Body, Cx, ErrorBody};

use super::views::LoggedIn;
use crate::Tenants;
use crate::service::Accept;

/// The token, and who accepts it.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct AcceptRequest {
    /// From the invitation.
    #[schema(value_type = Option<String>, format = Password)]
    token: Option<Redacted<String>>,
    /// 8 to 1024 bytes.
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Redacted<String>>,
    #[schema(max_length = 100)]
    first_name: Option<String>,
    #[schema(max_length = 100)]
    last_name: Option<String>,
}

impl From<AcceptRequest> for Accept {
    fn from(request: AcceptRequest) -> Self {
        Self {
            token: request.token.unwrap_or_default(),
            password: request.password.unwrap_or_default(),
            first_name: request.first_name.unwrap_or_default(),
            last_name: request.last_name.unwrap_or_default(),
        }
    }
}

/// Accept an invitation
///
/// Creates the account of the invited address with the invited role, and logs it in. No access token is needed.
#[utoipa::path(
    post,
    path = "/public/invitations/accept",
    tag = "invitations",
    operation_id = "accept_invitation",
    request_body = AcceptRequest,
    security(()),
    responses(
        (status = 201, body = LoggedIn),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 403, description = "No seat is free any more", body = ErrorBody<'static>),
        (status = 404, description = "No invitation has this token", body = ErrorBody<'static>),
        (status = 409, description = "No longer pending, or the address has an account", body = ErrorBody<'static>),
        (status = 503, description = "Too many log-ins at once; see `Retry-After`", body = ErrorBody<'static>),
    )
)]
pub(super) async fn accept_invitation(
    State(tenants): State<Arc<Tenants>>,
    Cx(cx): Cx,
    Body(request): Body<AcceptRequest>,
) -> Result<(StatusCode, Json<LoggedIn>), ApiError> {
    let log_in = tenants.accept_invitation(&cx, request.into()).await?;
    Ok((StatusCode::CREATED, Json(log_in.into())))
}
