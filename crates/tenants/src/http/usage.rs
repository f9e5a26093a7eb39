//! `GET /tenants/{id}/usage`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path};

use super::tenant_id;
use crate::Tenants;
use crate::service::usage::Usage;

/// Read what a tenant uses
///
/// Beside what its plan allows. Storage, calls and integrations are not measured.
#[utoipa::path(
    get,
    path = "/tenants/{id}/usage",
    tag = "tenants",
    operation_id = "get_tenant_usage",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = Usage),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_tenant_usage(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Json<Usage>, ApiError> {
    Ok(Json(tenants.usage(&cx, tenant_id(&id)?).await?))
}
