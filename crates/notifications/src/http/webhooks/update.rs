//! `PUT /webhooks/{id}` and `POST /webhooks/{id}/enable`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::{WebhookRequest, webhook_id};
use crate::{Notifications, Webhook};

/// Change a webhook
///
/// Admins.
#[utoipa::path(
    put,
    path = "/webhooks/{id}",
    tag = "webhooks",
    operation_id = "update_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    request_body = WebhookRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Webhook),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<WebhookRequest>,
) -> Result<Tagged<Webhook>, ApiError> {
    Ok(Tagged::new(notifications.update_webhook(&cx, webhook_id(&id)?, request.into()).await?))
}

/// Switch a webhook on again
///
/// Admins. It gets the events from now on; those before are sent by `redrive`.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/enable",
    tag = "webhooks",
    operation_id = "enable_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Webhook),
        (status = 400, description = "Its URL may not be posted to", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn enable_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Webhook>, ApiError> {
    Ok(Tagged::new(notifications.enable_webhook(&cx, webhook_id(&id)?).await?))
}
