//! `PUT` and `PATCH /tenant/members/{id}/role`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path};

use crate::Tenants;
use crate::http::admin::MemberView;
use crate::http::member_id;

/// The new role.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct RoleRequest {
    /// `user` or `admin`.
    #[schema(example = "admin")]
    role: Option<String>,
}

/// Change what somebody of the own tenant may do
///
/// Admins only, and not for themselves.
#[utoipa::path(
    put,
    path = "/tenant/members/{id}/role",
    tag = "dashboards",
    operation_id = "change_own_member_role",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    request_body = RoleRequest,
    responses(
        (status = 200, body = MemberView),
        (status = 400, description = "Not a role, or the own account", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or the role is above the caller's own", body = ErrorBody<'static>),
        (status = 404, description = "Nobody of the tenant has this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn change_own_member_role(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<RoleRequest>,
) -> Result<Json<MemberView>, ApiError> {
    let role = request.role.unwrap_or_default();
    Ok(Json(tenants.change_member_role(&cx, member_id(&id)?, &role).await?.into()))
}

/// Change what somebody of the own tenant may do
///
/// Admins only, and not for themselves.
#[utoipa::path(
    patch,
    path = "/tenant/members/{id}/role",
    tag = "dashboards",
    operation_id = "patch_own_member_role",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    request_body = RoleRequest,
    responses(
        (status = 200, body = MemberView),
        (status = 400, description = "Not a role, or the own account", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or the role is above the caller's own", body = ErrorBody<'static>),
        (status = 404, description = "Nobody of the tenant has this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn patch_own_member_role(
    state: State<Arc<Tenants>>,
    caller: Auth,
    id: Path<String>,
    body: Body<RoleRequest>,
) -> Result<Json<MemberView>, ApiError> {
    change_own_member_role(state, caller, id, body).await
}
