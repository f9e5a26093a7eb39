//! `GET /webhooks`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Listing, PageFields, PageQuery, Query};

use crate::{Notifications, Webhook};

/// A page of webhooks.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookList {
    webhooks: Vec<Webhook>,
    /// The same as `webhooks`.
    data: Vec<Webhook>,
    #[serde(flatten)]
    page: PageFields,
}

/// List the tenant's webhooks
///
/// Admins. The newest first.
#[utoipa::path(
    get,
    path = "/webhooks",
    tag = "webhooks",
    operation_id = "list_webhooks",
    params(PageQuery),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = WebhookList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_webhooks(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Webhook>>, ApiError> {
    let page = notifications.list_webhooks(&cx, page.request(PageRules::WORKSPACES)?).await?;
    Ok(Json(Listing::new("webhooks", page)))
}
