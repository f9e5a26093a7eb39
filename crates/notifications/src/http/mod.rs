//! Routes, one file an endpoint, and how outcomes become answers.

mod bulk_create;
mod create;
mod create_system;
mod delete;
mod get;
mod list;
mod read;
mod stream;
mod templates;
mod unread;
mod webhooks;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;
use web::ApiError;

use crate::model::NotificationId;
use crate::{NotificationError, Notifications};

/// Whole paths of the dashboards, and the routes they stand for (T-63). Those that answer otherwise have routes of
/// their own.
pub const ALIASES: &[(&str, &str)] = &[
    ("/user/notifications", "/notifications"),
    ("/user/notifications/unread-count", "/notifications/unread-count"),
    ("/user/notifications/stream", "/notifications/stream"),
];

/// The slice's routes, without prefix and without the slice: what the OpenAPI document is made of.
pub fn routes() -> OpenApiRouter<Arc<Notifications>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_notifications, create::create_notification))
        .routes(routes!(bulk_create::bulk_create_notifications))
        .routes(routes!(create_system::create_system_notification))
        .routes(routes!(unread::get_unread_count))
        .routes(routes!(stream::stream_notifications))
        .routes(routes!(read::read_all_notifications))
        .routes(routes!(read::read_notification))
        .routes(routes!(get::get_notification, delete::delete_notification))
        .routes(routes!(read::user_read_all_notifications))
        .routes(routes!(read::user_read_notification))
        .routes(routes!(delete::user_delete_notification))
        .merge(templates::routes())
        .merge(webhooks::routes())
}

impl Notifications {
    /// The slice's routes, served by it.
    pub fn router(self: &Arc<Self>) -> OpenApiRouter {
        routes().with_state(Arc::clone(self))
    }
}

/// A path's id. What is no UUID names nothing (T-01).
fn notification_id(text: &str) -> Result<NotificationId, NotificationError> {
    text.parse::<Uuid>().map(NotificationId).map_err(|_| NotificationError::NotFound)
}

impl From<NotificationError> for ApiError {
    fn from(error: NotificationError) -> Self {
        match error {
            NotificationError::Invalid(detail) => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request("Invalid input").message(message).field(detail.field, detail.message)
            }
            NotificationError::InvalidQuery(detail) => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request("Invalid query parameters").message(message).field(detail.field, detail.message)
            }
            NotificationError::NoPerson => Self::unauthorized("Missing authentication context")
                .message("Notifications are somebody's: log in, or name a person in X-User-ID and their tenant"),
            NotificationError::InsufficientPermissions => Self::forbidden("Insufficient permissions")
                .message("Only admins and services may tell others something"),
            NotificationError::SuperAdminsOnly => Self::forbidden("Insufficient permissions")
                .message("Only super admins may tell the people of all tenants something"),
            NotificationError::NotFound => Self::not_found("Notification not found"),
            NotificationError::PersonNotFound => {
                Self::not_found("User not found").field("user_id", "must be somebody of the tenant")
            }
            NotificationError::WorkspaceNotFound => Self::not_found("Workspace not found"),
            NotificationError::AdminsOnly => {
                Self::forbidden("Insufficient permissions").message("Webhooks are for admins and services")
            }
            NotificationError::TemplatesAreForAdmins => Self::forbidden("Insufficient permissions")
                .message("Templates of notifications are for admins and services"),
            NotificationError::TemplateNotFound => Self::not_found("Template not found"),
            NotificationError::TooManyTemplates(most) => Self::conflict("Too many templates")
                .message(format!("A tenant has at most {most}: delete one that is not needed")),
            NotificationError::WebhookNotFound => Self::not_found("Webhook not found"),
            NotificationError::DeliveryNotFound => Self::not_found("Delivery not found"),
            NotificationError::TooManyWebhooks(most) => Self::conflict("Too many webhooks")
                .message(format!("A tenant has at most {most}: delete one that is not needed")),
            NotificationError::WebhookDisabled => {
                Self::conflict("Webhook disabled").message("Enable it before anything is sent to it")
            }
            NotificationError::DeliveryPending => {
                Self::conflict("Delivery pending").message("It is on its way: wait for its next attempt")
            }
            NotificationError::DeliveriesOff => Self::conflict("Deliveries are switched off")
                .message("This program posts to no webhooks: its operator can set WEBHOOKS_DELIVER=true"),
            NotificationError::Unreadable => Self::internal(error),
            NotificationError::Database(error) => error.into(),
        }
    }
}
