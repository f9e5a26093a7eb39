//! `DELETE /tenants/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Message, Path, Query};

use super::tenant_id;
use crate::Tenants;

/// How to delete.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DeleteQuery {
    /// Although workspaces are live.
    #[param(value_type = Option<bool>)]
    force: Option<String>,
}

/// Delete a tenant
///
/// Its admins, and super admins but for their own. Everybody in it is switched off and logged out, and nothing is
/// removed; the slug stays taken. With `Accept: application/json` the answer is 200 with a message.
#[utoipa::path(
    delete,
    path = "/tenants/{id}",
    tag = "tenants",
    operation_id = "delete_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id"), DeleteQuery),
    responses(
        (status = 204, description = "Deleted"),
        (status = 200, description = "Deleted; with `Accept: application/json`", body = Message),
        (status = 400, description = "A parameter that cannot be read", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Workspaces are live and `force` is not given", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Query(query): Query<DeleteQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let force = matches!(query.force.as_deref(), Some("1" | "t" | "true" | "True" | "TRUE"));
    tenants.delete(&cx, tenant_id(&id)?, force).await?;
    Ok(gone(&headers, "Tenant deleted successfully"))
}

/// Several browser clients parse every answer as JSON; those name it in `Accept` (T-15).
pub(super) fn gone(headers: &HeaderMap, message: &'static str) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accept.to_ascii_lowercase().contains("application/json") {
        Json(Message::new(message)).into_response()
    } else {
        StatusCode::NO_CONTENT.into_response()
    }
}
