//! `POST /webhooks/{id}/rotate-secret`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Path};

use super::webhook_id;
use crate::Notifications;

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(super) struct RotatedSecret {
    /// Signs every message from now on; not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
    /// Until when messages carry a signature with the old secret too.
    old_secret_until: Timestamp,
}

/// Exchange a webhook's secret
///
/// Admins. For 24 hours messages are signed with both.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/rotate-secret",
    tag = "webhooks",
    operation_id = "rotate_webhook_secret",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = RotatedSecret),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn rotate_webhook_secret(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Json<RotatedSecret>, ApiError> {
    let (secret, old_secret_until) = notifications.rotate_webhook_secret(&cx, webhook_id(&id)?).await?;
    Ok(Json(RotatedSecret { secret, old_secret_until }))
}
