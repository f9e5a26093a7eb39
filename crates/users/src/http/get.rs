//! `GET /users/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::user_id;
use crate::{User, Users};

/// Read a person
///
/// The own account or anybody of the own tenant.
#[utoipa::path(
    get,
    path = "/users/{id}",
    tag = "users",
    operation_id = "get_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = User),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<User>, ApiError> {
    Ok(Tagged::new(users.get(&cx, user_id(&id)?).await?))
}
