//! `GET /admin/tenants/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::views::AdminTenant;
use crate::Tenants;
use crate::http::tenant_id;

/// Read a tenant for the admin dashboard
///
/// With its people, at most 100.
#[utoipa::path(
    get,
    path = "/admin/tenants/{id}",
    tag = "dashboards",
    operation_id = "admin_get_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = AdminTenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_get_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminTenant>, ApiError> {
    let overview = tenants.admin_overview(&cx, tenant_id(&id)?).await?;
    Ok(AdminTenant::tagged(&cx, overview))
}
