//! `GET /notifications/unread-count`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody};

use crate::Notifications;

/// How many are unread.
#[derive(Serialize, ToSchema)]
pub(super) struct UnreadCount {
    unread_count: i64,
    /// The same as `unread_count`.
    count: i64,
}

/// Count the own unread notifications
#[utoipa::path(
    get,
    path = "/notifications/unread-count",
    tag = "notifications",
    operation_id = "get_unread_count",
    responses(
        (status = 200, body = UnreadCount),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_unread_count(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Json<UnreadCount>, ApiError> {
    let count = notifications.count_unread(&cx).await?;
    Ok(Json(UnreadCount { unread_count: count, count }))
}
