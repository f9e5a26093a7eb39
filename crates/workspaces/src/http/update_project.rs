//! `PUT /projects/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::project_id;
use crate::service::update_project::UpdateProject;
use crate::{Project, Workspaces};

/// Fields to change.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct UpdateProjectRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Empty clears it.
    description: Option<String>,
    /// `active` or `archived`.
    status: Option<String>,
    /// Replaces the whole object.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

/// Change a project
///
/// For the workspace's members.
#[utoipa::path(
    put,
    path = "/projects/{id}",
    tag = "projects",
    operation_id = "update_project",
    params(("id" = uuid::Uuid, Path, description = "The project")),
    request_body = UpdateProjectRequest,
    responses(
        (status = 200, body = Project),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live project has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_project(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateProjectRequest>,
) -> Result<Tagged<Project>, ApiError> {
    let UpdateProjectRequest { name, description, status, settings } = request;
    let update = UpdateProject { name, description, status, settings };
    Ok(Tagged::new(workspaces.update_project(&cx, project_id(&id)?, update).await?))
}
