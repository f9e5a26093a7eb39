//! `POST /users/{id}/restore`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::user_id;
use crate::{User, Users};

/// Restore a deleted person
///
/// Admins only. The account is switched on again; its old log-ins stay ended.
#[utoipa::path(
    post,
    path = "/users/{id}/restore",
    tag = "users",
    operation_id = "restore_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = User),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, the caller is no admin, or all seats are taken", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn restore_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.restore(&cx, user_id(&id)?).await?))
}
