//! `GET /workspaces/user`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody};

use crate::{Workspace, Workspaces};

/// All workspaces of a person.
#[derive(Serialize, ToSchema)]
pub(super) struct UserWorkspaces {
    workspaces: Vec<Workspace>,
    total: usize,
}

/// List the workspaces the caller is a member of
#[utoipa::path(
    get,
    path = "/workspaces/user",
    tag = "workspaces",
    operation_id = "list_user_workspaces",
    responses(
        (status = 200, body = UserWorkspaces),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_user_workspaces(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
) -> Result<Json<UserWorkspaces>, ApiError> {
    let workspaces = workspaces.mine(&cx).await?;
    Ok(Json(UserWorkspaces { total: workspaces.len(), workspaces }))
}
