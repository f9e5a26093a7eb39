//! `GET /admin/users/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::require_admin;
use super::views::AdminUser;
use crate::Users;
use crate::http::user_id;

/// Read a person for the admin dashboard
///
/// Like `GET /users/{id}`, for admins.
#[utoipa::path(
    get,
    path = "/admin/users/{id}",
    tag = "dashboards",
    operation_id = "admin_get_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = AdminUser),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_get_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminUser>, ApiError> {
    require_admin(&cx)?;
    Ok(Tagged::new(users.get(&cx, user_id(&id)?).await?).map(Into::into))
}
