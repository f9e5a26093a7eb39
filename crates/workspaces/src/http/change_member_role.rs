//! `PUT` and `PATCH /workspaces/{id}/members/{user_id}` (T-20)

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::{member_id, workspace_id};
use crate::{Member, Workspaces};

/// The new role.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct ChangeMemberRoleRequest {
    /// `owner`, `admin`, `member` or `viewer`; `editor` is a member, `commenter` and `guest` are viewers.
    #[schema(example = "admin")]
    role: Option<String>,
}

/// The member, and the sentence the old service answered.
#[derive(Serialize, ToSchema)]
pub(super) struct RoleChanged {
    #[serde(flatten)]
    member: Member,
    message: &'static str,
}

/// Change a member's role
///
/// For the workspace's admins; touching an owner or making one takes an owner. The last owner stays one.
#[utoipa::path(
    put,
    path = "/workspaces/{id}/members/{user_id}",
    tag = "members",
    operation_id = "replace_member_role",
    params(
        ("id" = uuid::Uuid, Path, description = "The workspace"),
        ("user_id" = uuid::Uuid, Path, description = "The member"),
    ),
    request_body = ChangeMemberRoleRequest,
    responses(
        (status = 200, body = RoleChanged),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace in the tenant, or no such member in the workspace", body = ErrorBody<'static>),
        (status = 409, description = "The last owner", body = ErrorBody<'static>),
    )
)]
pub(super) async fn replace_member_role(
    workspaces: State<Arc<Workspaces>>,
    auth: Auth,
    path: Path<(String, String)>,
    body: Body<ChangeMemberRoleRequest>,
) -> Result<Tagged<RoleChanged>, ApiError> {
    let changed = change_member_role(workspaces, auth, path, body).await?;
    Ok(changed.map(|member| RoleChanged { member, message: "Member role updated successfully" }))
}

/// Change a member's role
///
/// Like PUT, answering the member alone.
#[utoipa::path(
    patch,
    path = "/workspaces/{id}/members/{user_id}",
    tag = "members",
    operation_id = "change_member_role",
    params(
        ("id" = uuid::Uuid, Path, description = "The workspace"),
        ("user_id" = uuid::Uuid, Path, description = "The member"),
    ),
    request_body = ChangeMemberRoleRequest,
    responses(
        (status = 200, body = Member),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Not a member, or the role is too low", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace in the tenant, or no such member in the workspace", body = ErrorBody<'static>),
        (status = 409, description = "The last owner", body = ErrorBody<'static>),
    )
)]
pub(super) async fn change_member_role(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path((id, user)): Path<(String, String)>,
    Body(request): Body<ChangeMemberRoleRequest>,
) -> Result<Tagged<Member>, ApiError> {
    let role = request.role.unwrap_or_default();
    Ok(Tagged::new(workspaces.change_member_role(&cx, workspace_id(&id)?, &member_id(&user)?, &role).await?))
}
