//! `POST /admin/users/{id}/suspend` and `/reactivate`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::require_admin;
use super::views::AdminUser;
use crate::Users;
use crate::http::user_id;

/// Switch an account off from the admin dashboard
///
/// Like `POST /users/{id}/deactivate`.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/suspend",
    tag = "dashboards",
    operation_id = "admin_suspend_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = AdminUser),
        (status = 400, description = "The own account", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_suspend_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminUser>, ApiError> {
    require_admin(&cx)?;
    Ok(Tagged::new(users.deactivate(&cx, user_id(&id)?).await?).map(Into::into))
}

/// Switch an account on from the admin dashboard
///
/// Like `POST /users/{id}/reactivate`.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/reactivate",
    tag = "dashboards",
    operation_id = "admin_reactivate_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = AdminUser),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_reactivate_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AdminUser>, ApiError> {
    require_admin(&cx)?;
    Ok(Tagged::new(users.reactivate(&cx, user_id(&id)?).await?).map(Into::into))
}
