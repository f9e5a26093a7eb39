//! `POST /admin/users`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use super::require_admin;
use super::views::AdminUser;
use crate::Users;
use crate::http::create::CreateRequest;

/// Create a person from the admin dashboard
///
/// Like `POST /users`.
#[utoipa::path(
    post,
    path = "/admin/users",
    tag = "dashboards",
    operation_id = "admin_create_user",
    request_body = CreateRequest,
    responses(
        (status = 201, body = AdminUser),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or all seats are taken", body = ErrorBody<'static>),
        (status = 409, description = "The address or id has an account", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_create_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Body(request): Body<CreateRequest>,
) -> Result<(StatusCode, Tagged<AdminUser>), ApiError> {
    require_admin(&cx)?;
    Ok((StatusCode::CREATED, Tagged::new(users.create(&cx, request.into()).await?).map(Into::into)))
}
