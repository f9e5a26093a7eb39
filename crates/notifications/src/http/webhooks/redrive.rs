//! `POST /webhooks/{id}/redrive` and `/webhooks/{id}/deliveries/{delivery_id}/redrive`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, instant};

use super::{delivery_id, webhook_id};
use crate::{Delivery, NotificationError, Notifications};

/// A stretch of time.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct RedriveRequest {
    /// From this time or date on.
    #[schema(value_type = Timestamp)]
    from: Option<String>,
    /// Before this time or date.
    #[schema(value_type = Timestamp)]
    to: Option<String>,
}

/// How many deliveries were sent off again.
#[derive(Serialize, ToSchema)]
pub(super) struct Redriven {
    /// 500 at most; ask again for the rest.
    deliveries: usize,
}

fn time(field: &'static str, text: Option<&str>) -> Result<Timestamp, NotificationError> {
    let time = text.and_then(instant);
    time.ok_or_else(|| NotificationError::invalid(field, "must be a time or a date"))
}

/// Post again
///
/// Admins. A finished delivery, delivered or dead, is posted under the same id as before.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/deliveries/{delivery_id}/redrive",
    tag = "webhooks",
    operation_id = "redrive_webhook_delivery",
    params(
        ("id" = uuid::Uuid, Path, description = "The webhook"),
        ("delivery_id" = uuid::Uuid, Path, description = "The delivery"),
    ),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 202, body = Delivery),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant, or no such delivery", body = ErrorBody<'static>),
        (status = 409, description = "The delivery is pending, the webhook disabled, or deliveries are switched off", body = ErrorBody<'static>),
    )
)]
pub(super) async fn redrive_webhook_delivery(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Delivery>), ApiError> {
    let delivery = notifications.redrive_delivery(&cx, webhook_id(&id)?, delivery_id(&delivery)?).await?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}

/// Post again what was given up
///
/// Admins. The dead deliveries of a stretch of time, the oldest first, 500 at most.
#[utoipa::path(
    post,
    path = "/webhooks/{id}/redrive",
    tag = "webhooks",
    operation_id = "redrive_webhook",
    params(("id" = uuid::Uuid, Path, description = "The webhook")),
    request_body = RedriveRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 202, body = Redriven),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
        (status = 409, description = "The webhook is disabled, or deliveries are switched off", body = ErrorBody<'static>),
    )
)]
pub(super) async fn redrive_webhook(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<RedriveRequest>,
) -> Result<(StatusCode, Json<Redriven>), ApiError> {
    let stretch = (time("from", request.from.as_deref())?, time("to", request.to.as_deref())?);
    let deliveries = notifications.redrive_webhook(&cx, webhook_id(&id)?, stretch).await?;
    Ok((StatusCode::ACCEPTED, Json(Redriven { deliveries })))
}
