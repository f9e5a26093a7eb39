//! `GET /webhooks/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::webhook_id;
use crate::{Notifications, Webhook};

/// Read a webhook
///
/// Admins.
#[utoipa::path(
    get,
    path = "/webhooks/{id}",
    tag = "webhooks",
    operation_id = "get_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Webhook),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Webhook>, ApiError> {
    Ok(Tagged::new(notifications.get_webhook(&cx, webhook_id(&id)?).await?))
}
