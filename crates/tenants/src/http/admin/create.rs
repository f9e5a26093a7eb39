//! `POST /admin/tenants`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use super::views::AdminTenant;
use crate::Tenants;
use crate::http::create::CreateTenantRequest;

/// Create a tenant from the admin dashboard
///
/// Like `POST /tenants`.
#[utoipa::path(
    post,
    path = "/admin/tenants",
    tag = "dashboards",
    operation_id = "admin_create_tenant",
    request_body = CreateTenantRequest,
    responses(
        (status = 201, body = AdminTenant),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 409, description = "Another tenant has the slug or the domain", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_create_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Body(request): Body<CreateTenantRequest>,
) -> Result<(StatusCode, Tagged<AdminTenant>), ApiError> {
    let tenant = tenants.create(&cx, request.into()).await?;
    let overview = tenants.overview_of(&cx, tenant).await?;
    Ok((StatusCode::CREATED, AdminTenant::tagged(&cx, overview)))
}
