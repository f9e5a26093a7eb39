//! `POST /tenants`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::Tenants;
use crate::model::{Limits, Tenant};
use crate::service::create::Create;

/// A tenant to create.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateTenantRequest {
    #[schema(max_length = 255, example = "Analytical Engines")]
    name: Option<String>,
    /// 3 to 50 characters of a-z, 0-9 and -, no hyphen first or last; made of the name by default.
    #[schema(example = "analytical-engines")]
    slug: Option<String>,
    /// A host name of the tenant's own.
    #[schema(example = "team.example.com")]
    domain: Option<String>,
    /// `free` (default), `starter`, `professional`, `enterprise` or `custom`.
    plan: Option<String>,
    /// Of a custom plan; what is left out is unlimited.
    limits: Option<Limits>,
    /// As in `PUT /tenants/{id}/settings`.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

impl From<CreateTenantRequest> for Create {
    fn from(request: CreateTenantRequest) -> Self {
        Self {
            name: request.name.unwrap_or_default(),
            slug: request.slug,
            domain: request.domain,
            plan: request.plan,
            limits: request.limits,
            settings: request.settings,
        }
    }
}

/// Create a tenant
///
/// Super admins, and services with the internal key. It has nobody in it yet; invite its first admin.
#[utoipa::path(
    post,
    path = "/tenants",
    tag = "tenants",
    operation_id = "create_tenant",
    request_body = CreateTenantRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 201, body = Tenant),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
        (status = 409, description = "Another tenant has the slug or the domain", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Body(request): Body<CreateTenantRequest>,
) -> Result<(StatusCode, Tagged<Tenant>), ApiError> {
    Ok((StatusCode::CREATED, Tagged::new(tenants.create(&cx, request.into()).await?)))
}
