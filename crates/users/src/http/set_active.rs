//! `POST /users/{id}/deactivate` and `/reactivate`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::user_id;
use crate::{User, Users};

/// Switch an account off
///
/// Admins only, and not for themselves. Every log-in of the person ends at once, access tokens included.
#[utoipa::path(
    post,
    path = "/users/{id}/deactivate",
    tag = "users",
    operation_id = "deactivate_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = User),
        (status = 400, description = "The own account", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn deactivate_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.deactivate(&cx, user_id(&id)?).await?))
}

/// Switch an account on
///
/// Admins only.
#[utoipa::path(
    post,
    path = "/users/{id}/reactivate",
    tag = "users",
    operation_id = "reactivate_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = User),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, the caller is no admin, or the plan has too few seats", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn reactivate_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.reactivate(&cx, user_id(&id)?).await?))
}
