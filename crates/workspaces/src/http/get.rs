//! `GET /workspaces/{id}`, `/projects/{id}` and `/airtable-bases/{id}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::{base_id, project_id, workspace_id};
use crate::{AirtableBase, Project, Workspace, Workspaces};

/// Read a workspace
#[utoipa::path(
    get,
    path = "/workspaces/{id}",
    tag = "workspaces",
    operation_id = "get_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    responses(
        (status = 200, body = Workspace),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Workspace>, ApiError> {
    Ok(Tagged::new(workspaces.get(&cx, workspace_id(&id)?).await?))
}

/// Read a project
#[utoipa::path(
    get,
    path = "/projects/{id}",
    tag = "projects",
    operation_id = "get_project",
    params(("id" = uuid::Uuid, Path, description = "The project")),
    responses(
        (status = 200, body = Project),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_project(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Project>, ApiError> {
    Ok(Tagged::new(workspaces.get_project(&cx, project_id(&id)?).await?))
}

/// Read a connected base
#[utoipa::path(
    get,
    path = "/airtable-bases/{id}",
    tag = "airtable-bases",
    operation_id = "get_base",
    params(("id" = uuid::Uuid, Path, description = "The connection")),
    responses(
        (status = 200, body = AirtableBase),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_base(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<AirtableBase>, ApiError> {
    Ok(Tagged::new(workspaces.get_base(&cx, base_id(&id)?).await?))
}
