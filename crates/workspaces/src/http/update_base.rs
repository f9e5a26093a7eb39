//! `PUT /airtable-bases/{id}`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::base_id;
use crate::service::update_base::UpdateBase;
use crate::{AirtableBase, Workspaces};

/// Fields to change.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct UpdateBaseRequest {
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Empty clears it.
    description: Option<String>,
    sync_enabled: Option<bool>,
}

/// Change a connected base
///
/// For the workspace's members.
#[utoipa::path(
    put,
    path = "/airtable-bases/{id}",
    tag = "airtable-bases",
    operation_id = "update_base",
    params(("id" = uuid::Uuid, Path, description = "The connection")),
    request_body = UpdateBaseRequest,
    responses(
        (status = 200, body = AirtableBase),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_base(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<UpdateBaseRequest>,
) -> Result<Tagged<AirtableBase>, ApiError> {
    let UpdateBaseRequest { name, description, sync_enabled } = request;
    let update = UpdateBase { name, description, sync_enabled };
    Ok(Tagged::new(workspaces.update_base(&cx, base_id(&id)?, update).await?))
}
