//! `GET` and `PUT /tenant/settings`

use std::sync::Arc;

use axum::extract::State;
use kernel::Version;
use serde_json::{Map, Value};
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::Tenants;
use crate::http::admin::AdminSettings;
use crate::model::Settings;

fn tagged(settings: &Settings) -> Tagged<Map<String, Value>> {
    Tagged::of(Version::of(&settings.effective()), settings.for_dashboards())
}

/// Read the own tenant's settings
#[utoipa::path(
    get,
    path = "/tenant/settings",
    tag = "dashboards",
    operation_id = "get_own_settings",
    responses(
        (status = 200, body = AdminSettings),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn get_own_settings(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
) -> Result<Tagged<Map<String, Value>>, ApiError> {
    Ok(tagged(&tenants.get_settings(&cx, tenants.own(&cx)?).await?))
}

/// Change the own tenant's settings
///
/// Like `PUT /tenants/{id}/settings`.
#[utoipa::path(
    put,
    path = "/tenant/settings",
    tag = "dashboards",
    operation_id = "update_own_settings",
    request_body = AdminSettings,
    responses(
        (status = 200, body = AdminSettings),
        (status = 400, description = "A setting of the wrong kind", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
        (status = 409, description = "The tenant is not active", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn update_own_settings(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Body(change): Body<Map<String, Value>>,
) -> Result<Tagged<Map<String, Value>>, ApiError> {
    Ok(tagged(&tenants.update_settings(&cx, tenants.own(&cx)?, change).await?))
}
