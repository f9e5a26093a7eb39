//! `PUT /tenants/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::tenant_id;
use crate::Tenants;
use crate::model::{Limits, Tenant};
use crate::service::update::Update;

/// Fields to change; what is left out stays. Settings and status have their own doors.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct UpdateTenantRequest {
    #[schema(max_length = 255)]
    name: Option<String>,
    /// 3 to 50 characters of a-z, 0-9 and -, no hyphen first or last.
    slug: Option<String>,
    /// A host name; empty for none.
    domain: Option<String>,
    /// `free`, `starter`, `professional`, `enterprise`; `custom` for super admins.
    plan: Option<String>,
    /// Of a custom plan; super admins only.
    limits: Option<Limits>,
}

impl From<UpdateTenantRequest> for Update {
    fn from(request: UpdateTenantRequest) -> Self {
        let UpdateTenantRequest { name, slug, domain, plan, limits } = request;
        Self { name, slug, domain, plan, limits }
    }
}

/// Change a tenant
///
/// Its admins, only while it is active. A plan smaller than what is in use is refused.
#[utoipa::path(
    put,
    path = "/tenants/{id}",
    tag = "tenants",
    operation_id = "update_tenant",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    request_body = UpdateTenantRequest,
    responses(
        (status = 200, body = Tenant),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Slug or domain taken, the tenant not active, or the plan too small", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateTenantRequest>,
) -> Result<Tagged<Tenant>, ApiError> {
    Ok(Tagged::new(tenants.update(&cx, tenant_id(&id)?, &request.into()).await?))
}
