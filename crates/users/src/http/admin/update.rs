//! `PUT /admin/users/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::require_admin;
use super::views::AdminUser;
use crate::Users;
use crate::http::update::UpdateRequest;
use crate::http::user_id;

/// Change a person from the admin dashboard
///
/// Like `PUT /users/{id}`, for admins.
#[utoipa::path(
    put,
    path = "/admin/users/{id}",
    tag = "dashboards",
    operation_id = "admin_update_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    request_body = UpdateRequest,
    responses(
        (status = 200, body = AdminUser),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_update_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateRequest>,
) -> Result<Tagged<AdminUser>, ApiError> {
    require_admin(&cx)?;
    Ok(Tagged::new(users.update(&cx, user_id(&id)?, request.into()).await?).map(Into::into))
}
