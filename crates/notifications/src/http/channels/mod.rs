//! Routes of a person's addresses.

mod create;
mod delete;
mod get;
mod update;
mod verify;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::model::ChannelId;
use crate::{NotificationError, Notifications};

/// `/notifications/channels`
pub(super) fn routes() -> OpenApiRouter<Arc<Notifications>> {
    OpenApiRouter::new()
        .routes(routes!(get::list_notification_channels, create::create_notification_channel))
        .routes(routes!(
            get::get_notification_channel,
            update::update_notification_channel,
            delete::delete_notification_channel
        ))
        .routes(routes!(verify::verify_notification_channel))
        .routes(routes!(verify::resend_notification_channel_code))
}

/// A path's id. What is no UUID names nothing (T-01).
fn channel_id(text: &str) -> Result<ChannelId, NotificationError> {
    text.parse::<Uuid>().map(ChannelId).map_err(|_| NotificationError::ChannelNotFound)
}
