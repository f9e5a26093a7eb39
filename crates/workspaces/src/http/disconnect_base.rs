//! `DELETE /airtable-bases/{id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use super::base_id;
use super::views::gone;
use crate::Workspaces;

/// Disconnect a base
///
/// For the workspace's admins.
#[utoipa::path(
    delete,
    path = "/airtable-bases/{id}",
    tag = "airtable-bases",
    operation_id = "disconnect_base",
    params(("id" = uuid::Uuid, Path, description = "The connection")),
    responses(
        (status = 204, description = "Done"),
        (status = 200, description = "Done; for `Accept: application/json`", body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn disconnect_base(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    workspaces.disconnect_base(&cx, base_id(&id)?).await?;
    Ok(gone(&headers, "Airtable base disconnected successfully"))
}
