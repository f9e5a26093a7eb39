//! `DELETE /users/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::user_id;
use crate::Users;

/// Delete a person
///
/// The own account, or anybody of the tenant for its admins. The row is kept and can be restored; every log-in ends.
#[utoipa::path(
    delete,
    path = "/users/{id}",
    tag = "users",
    operation_id = "delete_user",
    params(("id" = uuid::Uuid, Path, description = "The person's id")),
    responses(
        (status = 200, body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Of another tenant, or the caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody with this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_user(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    users.delete(&cx, user_id(&id)?).await?;
    // A body, unlike the other resources' 204: clients parse it (T-15).
    Ok(Json(Message::new("User deleted successfully")))
}
