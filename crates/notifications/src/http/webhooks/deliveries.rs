//! `GET /webhooks/{id}/deliveries` and `/webhooks/{id}/deliveries/{delivery_id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, PageFields, PageQuery, Path, Query, given};

use super::{delivery_id, webhook_id};
use crate::{Delivery, DeliveryStory, NotificationError, Notifications};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// `pending`, `delivered` or `dead`.
    state: Option<String>,
}

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(super) struct DeliveryList {
    deliveries: Vec<Delivery>,
    /// The same as `deliveries`.
    data: Vec<Delivery>,
    #[serde(flatten)]
    page: PageFields,
}

/// List what was posted to a webhook
///
/// Admins. The newest first; kept for 30 days.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries",
    tag = "webhooks",
    operation_id = "list_webhook_deliveries",
    params(("id" = uuid::Uuid, Path, description = "The webhook"), DeliveriesQuery, PageQuery),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = DeliveryList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_webhook_deliveries(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Query(query): Query<DeliveriesQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Delivery>>, ApiError> {
    let state = given(query.state);
    if state.as_deref().is_some_and(|state| !["pending", "delivered", "dead"].contains(&state)) {
        return Err(NotificationError::invalid_query("state", "must be pending, delivered or dead").into());
    }
    let request = page.request(PageRules::WORKSPACES)?;
    let page = notifications.list_webhook_deliveries(&cx, webhook_id(&id)?, state, request).await?;
    Ok(Json(Listing::new("deliveries", page)))
}

/// Read a delivery
///
/// Admins. With what is posted and every attempt.
#[utoipa::path(
    get,
    path = "/webhooks/{id}/deliveries/{delivery_id}",
    tag = "webhooks",
    operation_id = "get_webhook_delivery",
    params(
        ("id" = uuid::Uuid, Path, description = "The webhook"),
        ("delivery_id" = uuid::Uuid, Path, description = "The delivery"),
    ),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = DeliveryStory),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such webhook of the tenant, or no such delivery", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_webhook_delivery(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<Json<DeliveryStory>, ApiError> {
    Ok(Json(notifications.get_webhook_delivery(&cx, webhook_id(&id)?, delivery_id(&delivery)?).await?))
}
