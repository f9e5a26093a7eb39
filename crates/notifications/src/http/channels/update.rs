//! `PUT /notifications/channels/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::channel_id;
use crate::{Channel, Notifications};

/// What can be changed.
#[derive(Deserialize, ToSchema)]
pub(super) struct ChannelSwitch {
    /// Whether it is used.
    is_active: bool,
}

/// Switch one of one's addresses off or on
///
/// A webhook that was given up is tried again when it is switched on.
#[utoipa::path(
    put,
    path = "/notifications/channels/{id}",
    tag = "notifications",
    operation_id = "update_notification_channel",
    params(("id" = uuid::Uuid, Path, description = "The channel")),
    request_body = ChannelSwitch,
    security(("bearer" = [])),
    responses(
        (status = 200, body = Channel),
        (status = 400, description = "`is_active` is missing", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such channel of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_notification_channel(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<ChannelSwitch>,
) -> Result<Tagged<Channel>, ApiError> {
    Ok(Tagged::new(notifications.switch_channel(&cx, channel_id(&id)?, request.is_active).await?))
}
