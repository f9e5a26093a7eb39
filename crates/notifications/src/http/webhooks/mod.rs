//! Routes of webhooks.

mod create;
mod delete;
mod deliveries;
mod get;
mod list;
mod redrive;
mod rotate;
mod test;
mod update;

use std::sync::Arc;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::model::{DeliveryId, NewWebhook, WebhookId};
use crate::{NotificationError, Notifications};

/// `/webhooks`
pub(super) fn routes() -> OpenApiRouter<Arc<Notifications>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_webhooks, create::create_webhook))
        .routes(routes!(get::get_webhook, update::update_webhook, delete::delete_webhook))
        .routes(routes!(update::enable_webhook))
        .routes(routes!(rotate::rotate_webhook_secret))
        .routes(routes!(test::test_webhook))
        .routes(routes!(deliveries::list_webhook_deliveries))
        .routes(routes!(deliveries::get_webhook_delivery))
        .routes(routes!(redrive::redrive_webhook_delivery))
        .routes(routes!(redrive::redrive_webhook))
}

/// Fields of a webhook; what is left out keeps its value.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
struct WebhookRequest {
    /// An `https` URL on the public internet.
    #[schema(max_length = 2000, example = "https://example.com/hooks")]
    url: Option<String>,
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Names of events, or `workspace.*` for all that begin so; at most 50. Empty for all but `notification.created`, the
    /// default.
    #[schema(example = json!(["workspace.*", "user.role_changed"]))]
    events: Option<Vec<String>>,
    /// Whether nothing is posted to it.
    disabled: Option<bool>,
}

impl From<WebhookRequest> for NewWebhook {
    fn from(request: WebhookRequest) -> Self {
        let WebhookRequest { url, description, events, disabled } = request;
        Self { url, description, events, disabled }
    }
}

/// A path's id. What is no UUID names nothing (T-01).
fn webhook_id(text: &str) -> Result<WebhookId, NotificationError> {
    text.parse::<Uuid>().map(WebhookId).map_err(|_| NotificationError::WebhookNotFound)
}

fn delivery_id(text: &str) -> Result<DeliveryId, NotificationError> {
    text.parse::<Uuid>().map(DeliveryId).map_err(|_| NotificationError::DeliveryNotFound)
}
