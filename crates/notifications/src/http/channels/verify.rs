//! `POST /notifications/channels/{id}/verify` and `/resend`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::channel_id;
use crate::{Channel, Notifications};

/// What was sent to the address.
#[derive(Deserialize, ToSchema)]
pub(super) struct VerifyRequest {
    /// Eight digits.
    #[schema(example = "01234567")]
    code: String,
}

/// Verify an address
///
/// A code lasts 15 minutes and five tries.
#[utoipa::path(
    post,
    path = "/notifications/channels/{id}/verify",
    tag = "notifications",
    operation_id = "verify_notification_channel",
    params(("id" = uuid::Uuid, Path, description = "The channel")),
    request_body = VerifyRequest,
    security(("bearer" = [])),
    responses(
        (status = 200, body = Channel),
        (status = 400, description = "It is another code", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such channel of the caller", body = ErrorBody<'static>),
        (status = 409, description = "The code is too old, or was guessed at too often", body = ErrorBody<'static>),
    )
)]
pub(super) async fn verify_notification_channel(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<VerifyRequest>,
) -> Result<Tagged<Channel>, ApiError> {
    Ok(Tagged::new(notifications.verify_channel(&cx, channel_id(&id)?, &request.code).await?))
}

/// Send a new code
///
/// The one before is void. Ten an hour, to all addresses together.
#[utoipa::path(
    post,
    path = "/notifications/channels/{id}/resend",
    tag = "notifications",
    operation_id = "resend_notification_channel_code",
    params(("id" = uuid::Uuid, Path, description = "The channel")),
    security(("bearer" = [])),
    responses(
        (status = 202, body = Channel),
        (status = 400, description = "Its URL may not be posted to", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such channel of the caller", body = ErrorBody<'static>),
        (status = 409, description = "It is verified; or the program sends no mail", body = ErrorBody<'static>),
        (status = 429, description = "Ten codes were sent within the hour", body = ErrorBody<'static>),
    )
)]
pub(super) async fn resend_notification_channel_code(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<(StatusCode, Tagged<Channel>), ApiError> {
    Ok((StatusCode::ACCEPTED, Tagged::new(notifications.resend_code(&cx, channel_id(&id)?).await?)))
}
