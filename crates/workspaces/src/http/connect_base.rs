//! `POST /projects/{id}/airtable-bases`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::project_id;
use crate::service::connect_base::ConnectBase;
use crate::{AirtableBase, Workspaces};

/// A base to connect.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ConnectBaseRequest {
    /// Airtable's id.
    #[schema(max_length = 255, example = "appA1b2C3d4E5f6G7")]
    base_id: Option<String>,
    #[schema(max_length = 255)]
    name: Option<String>,
    description: Option<String>,
    /// True by default.
    sync_enabled: Option<bool>,
}

/// Connect a base to a project
///
/// For the workspace's members; at most once to a project.
#[utoipa::path(
    post,
    path = "/projects/{id}/airtable-bases",
    tag = "airtable-bases",
    operation_id = "connect_base",
    params(("id" = uuid::Uuid, Path, description = "The project")),
    request_body = ConnectBaseRequest,
    responses(
        (status = 201, body = AirtableBase),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "Connected already", body = ErrorBody<'static>),
    )
)]
pub(super) async fn connect_base(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<ConnectBaseRequest>,
) -> Result<(StatusCode, Tagged<AirtableBase>), ApiError> {
    let new = ConnectBase {
        base_id: request.base_id.unwrap_or_default(),
        name: request.name.unwrap_or_default(),
        description: request.description.unwrap_or_default(),
        sync_enabled: request.sync_enabled,
    };
    Ok((StatusCode::CREATED, Tagged::new(workspaces.connect_base(&cx, project_id(&id)?, new).await?)))
}
