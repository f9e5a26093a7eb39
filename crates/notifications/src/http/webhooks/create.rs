//! `POST /webhooks`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use super::WebhookRequest;
use crate::{Notifications, Webhook};

/// A new webhook with its secret.
#[derive(Serialize, ToSchema)]
pub(super) struct CreatedWebhook {
    #[serde(flatten)]
    webhook: Webhook,
    /// Signs every message; not shown again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: String,
}

/// Set up a webhook
///
/// Admins. Events of the tenant are posted to its URL, signed after the Standard Webhooks specification. At most 20 a
/// tenant.
#[utoipa::path(
    post,
    path = "/webhooks",
    tag = "webhooks",
    operation_id = "create_webhook",
    request_body = WebhookRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 201, body = CreatedWebhook),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 409, description = "The tenant has 20 webhooks", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<WebhookRequest>,
) -> Result<(StatusCode, Tagged<CreatedWebhook>), ApiError> {
    let (webhook, secret) = notifications.create_webhook(&cx, request.into()).await?;
    let answer = Tagged::new(webhook).map(|webhook| CreatedWebhook { webhook, secret });
    Ok((StatusCode::CREATED, answer))
}
