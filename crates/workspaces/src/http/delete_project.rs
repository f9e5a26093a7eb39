//! `DELETE /projects/{id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::project_id;
use super::views::gone;
use crate::Workspaces;

/// Delete a project
///
/// For the workspace's admins.
#[utoipa::path(
    delete,
    path = "/projects/{id}",
    tag = "projects",
    operation_id = "delete_project",
    params(("id" = uuid::Uuid, Path, description = "The project")),
    responses(
        (status = 204, description = "Done"),
        (status = 200, description = "Done; for `Accept: application/json`", body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "Bases are connected", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_project(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    workspaces.delete_project(&cx, project_id(&id)?).await?;
    Ok(gone(&headers, "Project deleted successfully"))
}
