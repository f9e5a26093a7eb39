//! `GET /notifications/channels` and `/notifications/channels/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Listing, PageFields, PageQuery, Path, Query, Tagged};

use super::channel_id;
use crate::{Channel, Notifications};

/// A page of channels.
#[derive(Serialize, ToSchema)]
pub(super) struct ChannelList {
    channels: Vec<Channel>,
    /// The same as `channels`.
    data: Vec<Channel>,
    #[serde(flatten)]
    page: PageFields,
}

/// List one's addresses
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/notifications/channels",
    tag = "notifications",
    operation_id = "list_notification_channels",
    params(PageQuery),
    security(("bearer" = [])),
    responses(
        (status = 200, body = ChannelList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_notification_channels(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Channel>>, ApiError> {
    let page = notifications.list_channels(&cx, page.request(PageRules::WORKSPACES)?).await?;
    Ok(Json(Listing::new("channels", page)))
}

/// Read one of one's addresses
#[utoipa::path(
    get,
    path = "/notifications/channels/{id}",
    tag = "notifications",
    operation_id = "get_notification_channel",
    params(("id" = uuid::Uuid, Path, description = "The channel")),
    security(("bearer" = [])),
    responses(
        (status = 200, body = Channel),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such channel of the caller", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_notification_channel(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Channel>, ApiError> {
    Ok(Tagged::new(notifications.get_channel(&cx, channel_id(&id)?).await?))
}
