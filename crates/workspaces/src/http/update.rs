//! `PUT /workspaces/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::workspace_id;
use crate::service::update::Update;
use crate::{Workspace, Workspaces};

/// Fields to change.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct UpdateWorkspaceRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Empty clears it.
    description: Option<String>,
    /// Replaces the whole object.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

/// Change a workspace
///
/// For its admins.
#[utoipa::path(
    put,
    path = "/workspaces/{id}",
    tag = "workspaces",
    operation_id = "update_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    request_body = UpdateWorkspaceRequest,
    responses(
        (status = 200, body = Workspace),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live workspace has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateWorkspaceRequest>,
) -> Result<Tagged<Workspace>, ApiError> {
    let UpdateWorkspaceRequest { name, description, settings } = request;
    let update = Update { name, description, settings };
    Ok(Tagged::new(workspaces.update(&cx, workspace_id(&id)?, update).await?))
}
