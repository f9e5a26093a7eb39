//! Routes of templates.

mod delete;
mod get;
mod list;
mod preview;
mod update;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Notifications;

/// `/notifications/templates`
pub(super) fn routes() -> OpenApiRouter<Arc<Notifications>> {
    OpenApiRouter::new()
        .routes(routes!(list::list_notification_templates))
        .routes(routes!(preview::preview_notification_template))
        .routes(routes!(
            get::get_notification_template,
            update::update_notification_template,
            delete::delete_notification_template
        ))
}
