//! `POST /workspaces/{id}/members`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::workspace_id;
use crate::{Member, Workspaces};

/// A person of the tenant, and what they may do.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct AddMemberRequest {
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    /// `owner`, `admin`, `member` or `viewer`; `editor` is a member, `commenter` and `guest` are viewers.
    #[schema(example = "member")]
    role: Option<String>,
}

/// Add a member
///
/// For the workspace's admins; another owner takes an owner.
#[utoipa::path(
    post,
    path = "/workspaces/{id}/members",
    tag = "members",
    operation_id = "add_member",
    params(("id" = uuid::Uuid, Path, description = "The workspace")),
    request_body = AddMemberRequest,
    responses(
        (status = 201, body = Member),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace, or nobody with this id, in the tenant", body = ErrorBody<'static>),
        (status = 409, description = "A member already", body = ErrorBody<'static>),
    )
)]
pub(super) async fn add_member(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<AddMemberRequest>,
) -> Result<(StatusCode, Tagged<Member>), ApiError> {
    let (user, role) = (request.user_id.unwrap_or_default(), request.role.unwrap_or_default());
    let member = workspaces.add_member(&cx, workspace_id(&id)?, &user, &role).await?;
    Ok((StatusCode::CREATED, Tagged::new(member)))
}
