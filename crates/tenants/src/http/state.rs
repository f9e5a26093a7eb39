//! `POST /tenants/{id}/suspend` and `/reactivate`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::tenant_id;
use crate::Tenants;
use crate::model::Tenant;

/// Suspend a tenant
///
/// Super admins only, and not their own. Everybody in it is switched off and logged out.
#[utoipa::path(
    post,
    path = "/tenants/{id}/suspend",
    tag = "tenants",
    operation_id = "suspend_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = Tenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Already suspended, ended, or the caller's own", body = ErrorBody<'static>),
    )
)]
pub(super) async fn suspend_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Tenant>, ApiError> {
    Ok(Tagged::new(tenants.suspend(&cx, tenant_id(&id)?).await?))
}

/// Reactivate a tenant
///
/// Super admins only. Exactly those are switched on again who were on when it was suspended.
#[utoipa::path(
    post,
    path = "/tenants/{id}/reactivate",
    tag = "tenants",
    operation_id = "reactivate_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = Tenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Not suspended", body = ErrorBody<'static>),
    )
)]
pub(super) async fn reactivate_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Tenant>, ApiError> {
    Ok(Tagged::new(tenants.reactivate(&cx, tenant_id(&id)?).await?))
}
