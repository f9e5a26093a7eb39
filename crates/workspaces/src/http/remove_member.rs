//! `DELETE /workspaces/{id}/members/{user_id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::views::gone;
use super::{member_id, workspace_id};
use crate::Workspaces;

/// Remove a member
///
/// Oneself, or anybody for the workspace's admins; an owner only for owners. The last owner stays.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}/members/{user_id}",
    tag = "members",
    operation_id = "remove_member",
    params(
        ("id" = uuid::Uuid, Path, description = "The workspace"),
        ("user_id" = uuid::Uuid, Path, description = "The member"),
    ),
    responses(
        (status = 204, description = "Done"),
        (status = 200, description = "Done; for `Accept: application/json`", body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace in the tenant, or no such member in the workspace", body = ErrorBody<'static>),
        (status = 409, description = "The last owner", body = ErrorBody<'static>),
    )
)]
pub(super) async fn remove_member(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path((id, user)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    workspaces.remove_member(&cx, workspace_id(&id)?, &member_id(&user)?).await?;
    Ok(gone(&headers, "Member removed successfully"))
}
