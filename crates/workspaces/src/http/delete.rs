//! `DELETE /workspaces/{id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::views::gone;
use super::workspace_id;
use crate::Workspaces;

/// Delete a workspace
///
/// For its owners. The rows are kept and can be restored.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}",
    tag = "workspaces",
    operation_id = "delete_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    responses(
        (status = 204, description = "Done"),
        (status = 200, description = "Done; for `Accept: application/json`", body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "It has live projects", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    workspaces.delete(&cx, workspace_id(&id)?).await?;
    Ok(gone(&headers, "Workspace deleted successfully"))
}
