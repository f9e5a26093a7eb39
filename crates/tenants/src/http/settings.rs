//! `GET` and `PUT /tenants/{id}/settings`

use std::sync::Arc;

use axum::extract::State;
use kernel::Version;
use serde_json::{Map, Value};
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::tenant_id;
use crate::Tenants;
use crate::model::Settings;

fn tagged(settings: &Settings) -> Tagged<Map<String, Value>> {
    Tagged::of(Version::of(&settings.effective()), settings.effective())
}

/// Read a tenant's settings
///
/// Defaults included.
#[utoipa::path(
    get,
    path = "/tenants/{id}/settings",
    tag = "tenants",
    operation_id = "get_tenant_settings",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    responses(
        (status = 200, body = Object),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_tenant_settings(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Map<String, Value>>, ApiError> {
    Ok(tagged(&tenants.get_settings(&cx, tenant_id(&id)?).await?))
}

/// Change a tenant's settings
///
/// Its admins, only while it is active. What is given overwrites, `null` goes back to the default, the rest stays.
/// Names nobody knows are kept as they are.
#[utoipa::path(
    put,
    path = "/tenants/{id}/settings",
    tag = "tenants",
    operation_id = "update_tenant_settings",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    request_body = Object,
    responses(
        (status = 200, body = Object),
        (status = 400, description = "A setting of the wrong kind", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "The tenant is not active", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_tenant_settings(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(change): Body<Map<String, Value>>,
) -> Result<Tagged<Map<String, Value>>, ApiError> {
    Ok(tagged(&tenants.update_settings(&cx, tenant_id(&id)?, change).await?))
}
