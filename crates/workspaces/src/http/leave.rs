//! `POST /workspaces/{id}/leave`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::views::gone;
use super::workspace_id;
use crate::Workspaces;

/// Leave a workspace
///
/// For its members, except the last owner.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/leave",
    tag = "workspaces",
    operation_id = "leave_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    responses(
        (status = 204, description = "Done"),
        (status = 200, description = "Done; for `Accept: application/json`", body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "The caller is the last owner", body = ErrorBody<'static>),
    )
)]
pub(super) async fn leave_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    workspaces.leave(&cx, workspace_id(&id)?).await?;
    Ok(gone(&headers, "You left the workspace"))
}
