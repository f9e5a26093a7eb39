//! `GET /notifications/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::notification_id;
use crate::{Notification, Notifications};

/// Read an own notification
///
/// Looking at it does not mark it as read.
#[utoipa::path(
    get,
    path = "/notifications/{id}",
    tag = "notifications",
    operation_id = "get_notification",
    params(("id" = uuid::Uuid, Path, description = "The notification")),
    responses(
        (status = 200, body = Notification),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such notification of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_notification(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Notification>, ApiError> {
    Ok(Tagged::new(notifications.get(&cx, notification_id(&id)?).await?))
}
