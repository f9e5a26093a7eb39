//! `DELETE /notifications/channels/{id}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Path};

use super::channel_id;
use crate::Notifications;

/// Delete one of one's addresses
///
/// With it goes what was to be sent there.
#[utoipa::path(
    delete,
    path = "/notifications/channels/{id}",
    tag = "notifications",
    operation_id = "delete_notification_channel",
    params(("id" = uuid::Uuid, Path, description = "The channel")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such channel of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_notification_channel(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    notifications.delete_channel(&cx, channel_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
