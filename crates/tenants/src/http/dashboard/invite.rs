//! `POST /tenant/members/invite`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use web::{ApiError, Auth, Body, ErrorBody};

use crate::Tenants;
use crate::http::invite::InviteRequest;
use crate::model::InvitationStatus;
use crate::service::Invited;

/// An invitation as the tenant dashboard shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvitationView {
    id: Uuid,
    email: String,
    role: String,
    status: InvitationStatus,
    expires_at: Timestamp,
    created_at: Timestamp,
    /// Give it to the invited person; it is shown this once and cannot be had again.
    token: String,
}

impl From<Invited> for InvitationView {
    fn from(Invited { invitation, token }: Invited) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email,
            role: invitation.role,
            status: invitation.status,
            expires_at: invitation.expires_at,
            created_at: invitation.created_at,
            token: token.expose().clone(),
        }
    }
}

/// Invite somebody to the own tenant
///
/// Like `POST /tenants/{id}/invitations`.
#[utoipa::path(
    post,
    path = "/tenant/members/invite",
    tag = "dashboards",
    operation_id = "invite_own_member",
    request_body = InviteRequest,
    responses(
        (status = 201, body = InvitationView),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or no seat is free", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
        (status = 409, description = "Invited or a member already, or the tenant not active", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn invite_own_member(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Body(request): Body<InviteRequest>,
) -> Result<(StatusCode, Json<InvitationView>), ApiError> {
    let invited = tenants.invite(&cx, tenants.own(&cx)?, &request.into()).await?;
    Ok((StatusCode::CREATED, Json(invited.into())))
}
