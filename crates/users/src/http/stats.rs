//! `GET /users/stats`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Query};

use crate::Users;
use crate::service::stats::Stats;

/// Whom to count.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StatsQuery {
    /// Another tenant, for super admins; ignored otherwise.
    #[param(value_type = Option<uuid::Uuid>)]
    tenant_id: Option<String>,
}

/// Count the people of a tenant
#[utoipa::path(
    get,
    path = "/users/stats",
    tag = "users",
    operation_id = "get_user_stats",
    params(StatsQuery),
    responses(
        (status = 200, body = Stats),
        (status = 400, description = "A query that cannot be read", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service that names no tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_user_stats(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Query(query): Query<StatsQuery>,
) -> Result<Json<Stats>, ApiError> {
    let tenant = query.tenant_id.and_then(|id| id.parse().ok());
    Ok(Json(users.stats(&cx, tenant).await?))
}
