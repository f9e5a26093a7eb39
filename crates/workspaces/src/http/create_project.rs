//! `POST /workspaces/{id}/projects` and `POST /projects`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::workspace_id;
use crate::service::create_project::CreateProject;
use crate::{Project, Workspaces};

/// A project to create.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateProjectRequest {
    /// Where the path does not name it.
    #[schema(value_type = Option<uuid::Uuid>)]
    workspace_id: Option<String>,
    #[schema(max_length = 255, example = "Launch")]
    name: Option<String>,
    description: Option<String>,
    /// Free-form; `{}` by default.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

impl From<CreateProjectRequest> for CreateProject {
    fn from(request: CreateProjectRequest) -> Self {
        Self {
            name: request.name.unwrap_or_default(),
            description: request.description.unwrap_or_default(),
            settings: request.settings.unwrap_or_default(),
        }
    }
}

/// Create a project
///
/// For the workspace's members.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/projects",
    tag = "projects",
    operation_id = "create_workspace_project",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    request_body = CreateProjectRequest,
    responses(
        (status = 201, body = Project),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, the role is too low, or the workspace has all the projects it may have", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live project has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_workspace_project(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<CreateProjectRequest>,
) -> Result<(StatusCode, Tagged<Project>), ApiError> {
    let project = workspaces.create_project(&cx, workspace_id(&id)?, request.into()).await?;
    Ok((StatusCode::CREATED, Tagged::new(project)))
}

/// Create a project in the workspace the body names
///
/// For the workspace's members.
#[utoipa::path(
    post,
    path = "/projects",
    tag = "projects",
    operation_id = "create_project",
    request_body = CreateProjectRequest,
    responses(
        (status = 201, body = Project),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "As above, or the body names no workspace of the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live project has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_project(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Body(request): Body<CreateProjectRequest>,
) -> Result<(StatusCode, Tagged<Project>), ApiError> {
    let workspace = request.workspace_id.clone().unwrap_or_default();
    let project = workspaces.create_project_in(&cx, &workspace, request.into()).await?;
    Ok((StatusCode::CREATED, Tagged::new(project)))
}
