//! `DELETE /webhooks/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Path};

use super::webhook_id;
use crate::Notifications;

/// Delete a webhook
///
/// Admins. With it goes what was or was to be posted to it.
#[utoipa::path(
    delete,
    path = "/webhooks/{id}",
    tag = "webhooks",
    operation_id = "delete_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    notifications.delete_webhook(&cx, webhook_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
