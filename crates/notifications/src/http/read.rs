//! `PUT /notifications/{id}/read` and `/notifications/read-all`, and the same as the dashboards have them (T-63).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::notification_id;
use crate::Notifications;

/// Mark an own notification as read
///
/// Doing it again changes nothing.
#[utoipa::path(
    put,
    path = "/notifications/{id}/read",
    tag = "notifications",
    operation_id = "read_notification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such notification of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn read_notification(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    notifications.read(&cx, notification_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mark all own notifications as read
#[utoipa::path(
    put,
    path = "/notifications/read-all",
    tag = "notifications",
    operation_id = "read_all_notifications",
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn read_all_notifications(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<StatusCode, ApiError> {
    notifications.read_all(&cx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Mark an own notification as read, for the dashboards
///
/// Like `PUT /notifications/{id}/read`, answered with a body.
#[utoipa::path(
    put,
    path = "/user/notifications/{id}/read",
    tag = "dashboards",
    operation_id = "user_read_notification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such notification of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn user_read_notification(
    notifications: State<Arc<Notifications>>,
    auth: Auth,
    path: Path<String>,
) -> Result<Json<Message>, ApiError> {
    read_notification(notifications, auth, path).await?;
    Ok(Json(Message::new("Notification marked as read")))
}

/// Mark all own notifications as read, for the dashboards
///
/// Like `PUT /notifications/read-all`, answered with a body.
#[utoipa::path(
    put,
    path = "/user/notifications/read-all",
    tag = "dashboards",
    operation_id = "user_read_all_notifications",
    responses(
        (status = 200, body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn user_read_all_notifications(
    notifications: State<Arc<Notifications>>,
    auth: Auth,
) -> Result<Json<Message>, ApiError> {
    read_all_notifications(notifications, auth).await?;
    Ok(Json(Message::new("All notifications marked as read")))
}
