//! `POST /admin/tenants/{id}/suspend` and `/reactivate`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::views::AdminTenant;
use crate::Tenants;
use crate::http::tenant_id;

/// Suspend a tenant from the admin dashboard
///
/// Like `POST /tenants/{id}/suspend`.
#[utoipa::path(
    post,
    path = "/admin/tenants/{id}/suspend",
    tag = "dashboards",
    operation_id = "admin_suspend_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = AdminTenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Already suspended, ended, or the caller's own", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_suspend_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminTenant>, ApiError> {
    let tenant = tenants.suspend(&cx, tenant_id(&id)?).await?;
    Ok(AdminTenant::tagged(&cx, tenants.overview_of(&cx, tenant).await?))
}

/// Reactivate a tenant from the admin dashboard
///
/// Like `POST /tenants/{id}/reactivate`.
#[utoipa::path(
    post,
    path = "/admin/tenants/{id}/reactivate",
    tag = "dashboards",
    operation_id = "admin_reactivate_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = AdminTenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Not suspended", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_reactivate_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminTenant>, ApiError> {
    let tenant = tenants.reactivate(&cx, tenant_id(&id)?).await?;
    Ok(AdminTenant::tagged(&cx, tenants.overview_of(&cx, tenant).await?))
}
