//! `POST /workspaces/{id}/archive` and `/restore`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::workspace_id;
use crate::{Workspace, Workspaces};

/// Put a workspace away
///
/// For its owners. Live projects do not stand in the way; they are out of reach until it is restored.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/archive",
    tag = "workspaces",
    operation_id = "archive_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    responses(
        (status = 200, body = Workspace),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn archive_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Workspace>, ApiError> {
    Ok(Tagged::new(workspaces.archive(&cx, workspace_id(&id)?).await?))
}

/// Bring a workspace back
///
/// For its owners, whether it was archived or deleted.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/restore",
    tag = "workspaces",
    operation_id = "restore_workspace",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    responses(
        (status = 200, body = Workspace),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not an owner, or the tenant has all the workspaces it may have", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A live workspace has the name", body = ErrorBody<'static>),
    )
)]
pub(super) async fn restore_workspace(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Tagged<Workspace>, ApiError> {
    Ok(Tagged::new(workspaces.restore(&cx, workspace_id(&id)?).await?))
}
