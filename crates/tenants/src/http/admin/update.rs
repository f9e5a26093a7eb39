//! `PUT /admin/tenants/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::views::AdminTenant;
use crate::Tenants;
use crate::http::tenant_id;
use crate::http::update::UpdateTenantRequest;

/// Change a tenant from the admin dashboard
///
/// Like `PUT /tenants/{id}`.
#[utoipa::path(
    put,
    path = "/admin/tenants/{id}",
    tag = "dashboards",
    operation_id = "admin_update_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    request_body = UpdateTenantRequest,
    responses(
        (status = 200, body = AdminTenant),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Slug or domain taken, the tenant not active, or the plan too small", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_update_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateTenantRequest>,
) -> Result<Tagged<AdminTenant>, ApiError> {
    let tenant = tenants.update(&cx, tenant_id(&id)?, &request.into()).await?;
    Ok(AdminTenant::tagged(&cx, tenants.overview_of(&cx, tenant).await?))
}
