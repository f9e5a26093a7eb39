//! `DELETE /notifications/{id}`, and the same as the dashboards have it (T-63).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::notification_id;
use crate::Notifications;

/// Delete an own notification
#[utoipa::path(
    delete,
    path = "/notifications/{id}",
    tag = "notifications",
    operation_id = "delete_notification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such notification of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_notification(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    notifications.delete(&cx, notification_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete an own notification, for the dashboards
///
/// Like `DELETE /notifications/{id}`, answered with a body.
#[utoipa::path(
    delete,
    path = "/user/notifications/{id}",
    tag = "dashboards",
    operation_id = "user_delete_notification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such notification of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn user_delete_notification(
    notifications: State<Arc<Notifications>>,
    auth: Auth,
    path: Path<String>,
) -> Result<Json<Message>, ApiError> {
    delete_notification(notifications, auth, path).await?;
    Ok(Json(Message::new("Notification deleted")))
}
