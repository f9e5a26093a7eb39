//! `POST /webhooks/{id}/test`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Path};

use super::webhook_id;
use crate::{Delivery, Notifications};

/// Try a webhook out
///
/// Admins. Sends it a `webhook.test` event, whatever its filters say; the delivery shows how it went.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/test",
    tag = "webhooks",
    operation_id = "test_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 202, body = Delivery),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
        (status = 409, description = "The webhook is disabled, or deliveries are switched off", body = ErrorBody<'static>),
    )
)]
pub(super) async fn test_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(notifications.test_webhook(&cx, webhook_id(&id)?).await?)))
}
