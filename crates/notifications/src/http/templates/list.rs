//! `GET /notifications/templates`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody};

use crate::{Notifications, Template};

/// All templates.
#[derive(Serialize, ToSchema)]
pub(super) struct TemplateList {
    templates: Vec<Template>,
    total: usize,
}

/// List the texts people are told things in
///
/// Admins. Every kind in every language that the program or the tenant has words in.
#[utoipa::path(
    get,
    path = "/notifications/templates",
    tag = "notifications",
    operation_id = "list_notification_templates",
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = TemplateList),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_notification_templates(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Json<TemplateList>, ApiError> {
    let templates = notifications.list_templates(&cx).await?;
    Ok(Json(TemplateList { total: templates.len(), templates }))
}
