//! `POST /workspaces`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::service::create::Create;
use crate::{Workspace, Workspaces};

/// A workspace to create.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateWorkspaceRequest {
    #[schema(max_length = 255, example = "Marketing")]
    name: Option<String>,
    description: Option<String>,
    /// Free-form; `{}` by default.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
    /// Another tenant, for super admins; for others only their own.
    #[schema(value_type = Option<uuid::Uuid>)]
    tenant_id: Option<String>,
}

/// Create a workspace
///
/// The caller becomes its owner.
#[utoipa::path(
    post,
    path = "/workspaces",
    tag = "workspaces",
    operation_id = "create_workspace",
    request_body = CreateWorkspaceRequest,
    responses(
        (status = 201, body = Workspace),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The tenant has all the workspaces it may have, or the body names another tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live workspace has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Body(request): Body<CreateWorkspaceRequest>,
) -> Result<(StatusCode, Tagged<Workspace>), ApiError> {
    let new = Create {
        name: request.name.unwrap_or_default(),
        description: request.description.unwrap_or_default(),
        settings: request.settings.unwrap_or_default(),
        tenant_id: request.tenant_id,
    };
    Ok((StatusCode::CREATED, Tagged::new(workspaces.create(&cx, new).await?)))
}
