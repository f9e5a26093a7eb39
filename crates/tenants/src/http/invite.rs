//! `POST /tenants/{id}/invitations`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use kernel::Version;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use super::tenant_id;
use super::views::InvitationWithToken;
use crate::Tenants;
use crate::service::invite::Invite;

/// Whom to invite.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct InviteRequest {
    #[schema(max_length = 255, example = "grace@example.com")]
    email: Option<String>,
    /// `user` (default) or `admin`.
    role: Option<String>,
}

impl From<InviteRequest> for Invite {
    fn from(request: InviteRequest) -> Self {
        Self { email: request.email.unwrap_or_default(), role: request.role.unwrap_or_default() }
    }
}

/// Invite somebody
///
/// Admins of the tenant. A pending invitation holds a seat of the plan for seven days.
#[utoipa::path(
    post,
    path = "/tenants/{id}/invitations",
    tag = "invitations",
    operation_id = "create_invitation",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    request_body = InviteRequest,
    responses(
        (status = 201, body = InvitationWithToken),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or no seat is free", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "Invited or a member already, or the tenant not active", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_invitation(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<InviteRequest>,
) -> Result<(StatusCode, Tagged<InvitationWithToken>), ApiError> {
    let invited = tenants.invite(&cx, tenant_id(&id)?, &request.into()).await?;
    Ok((StatusCode::CREATED, Tagged::of(Version::of(&invited.invitation), invited.into())))
}
