//! `GET /workspaces/stats`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Query};

use crate::Workspaces;
use crate::service::stats::WorkspaceStats;

/// Whose to count.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsQuery {
    /// Another tenant, for super admins; ignored otherwise.
    #[param(value_type = Option<uuid::Uuid>)]
    tenant_id: Option<String>,
}

/// Count the workspaces of a tenant and what is in them
#[utoipa::path(
    get,
    path = "/workspaces/stats",
    tag = "workspaces",
    operation_id = "get_workspace_stats",
    params(StatsQuery),
    responses(
        (status = 200, body = WorkspaceStats),
        (status = 400, description = "A parameter that cannot be read", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_workspace_stats(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Query(query): Query<StatsQuery>,
) -> Result<Json<WorkspaceStats>, ApiError> {
    let tenant = query.tenant_id.and_then(|id| id.parse().ok());
    Ok(Json(workspaces.stats(&cx, tenant).await?))
}
