//! `PUT /users/{id}/role`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::user_id;
use crate::{User, Users};

/// The new role.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ChangeRoleRequest {
    /// `user`, `admin` or `super_admin`; no higher than the caller's own.
    #[schema(example = "admin")]
    role: Option<String>,
}

/// Change a person's role
///
/// Admins only, and not for themselves. Holds from the person's next request.
#[utoipa::path(
    put,
    path = "/users/{id}/role",
    tag = "users",
    operation_id = "change_user_role",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    request_body = ChangeRoleRequest,
    responses(
        (status = 200, body = User),
        (status = 400, description = "Not a role, or the own account", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or above the caller's own role", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn change_user_role(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<ChangeRoleRequest>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.change_role(&cx, user_id(&id)?, &request.role.unwrap_or_default()).await?))
}
