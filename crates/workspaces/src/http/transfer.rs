//! `POST /workspaces/{id}/transfer`

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::workspace_id;
use crate::{Workspace, Workspaces};

/// To whom.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct TransferRequest {
    /// A member of the workspace.
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
}

/// Hand a workspace over
///
/// For its owners. The member named becomes an owner and the caller an admin, in one step.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/transfer",
    tag = "workspaces",
    operation_id = "transfer_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    request_body = TransferRequest,
    responses(
        (status = 200, body = Workspace),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace in the tenant, or no such member in the workspace", body = ErrorBody<'static>),
    )
)]
pub(super) async fn transfer_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<TransferRequest>,
) -> Result<Tagged<Workspace>, ApiError> {
    let to = request.user_id.unwrap_or_default();
    Ok(Tagged::new(workspaces.transfer_ownership(&cx, workspace_id(&id)?, &to).await?))
}
