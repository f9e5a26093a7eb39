//! `GET /tenants/{id}` and `/tenants/slug/{slug}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::tenant_id;
use crate::Tenants;
use crate::model::Tenant;

/// Read a tenant
///
/// The own one, or any for super admins.
#[utoipa::path(
    get,
    path = "/tenants/{id}",
    tag = "tenants",
    operation_id = "get_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = Tenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Tenant>, ApiError> {
    Ok(Tagged::new(tenants.get(&cx, tenant_id(&id)?).await?))
}

/// Read a tenant by its slug
///
/// The own one, or any for super admins.
#[utoipa::path(
    get,
    path = "/tenants/slug/{slug}",
    tag = "tenants",
    operation_id = "get_tenant_by_slug",
    params(("slug" = String, Path, description = "The tenant's slug")),
    responses(
        (status = 200, body = Tenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_tenant_by_slug(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(slug): Path<String>,
) -> Result<Tagged<Tenant>, ApiError> {
    Ok(Tagged::new(tenants.get_by_slug(&cx, &slug).await?))
}
