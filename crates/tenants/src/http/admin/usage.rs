//! `GET /admin/tenants/{id}/usage`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path};

use super::views::UsageView;
use crate::Tenants;
use crate::http::tenant_id;

/// Read what a tenant uses for the admin dashboard
#[utoipa::path(
    get,
    path = "/admin/tenants/{id}/usage",
    tag = "dashboards",
    operation_id = "admin_get_tenant_usage",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = UsageView),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_get_tenant_usage(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Json<UsageView>, ApiError> {
    let overview = tenants.admin_overview(&cx, tenant_id(&id)?).await?;
    Ok(Json(UsageView::of(&cx, &overview)))
}
