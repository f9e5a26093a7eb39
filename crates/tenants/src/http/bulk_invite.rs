//! `POST /tenants/{id}/invitations/bulk`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Path};

use super::invite::InviteRequest;
use super::tenant_id;
use super::views::InvitationWithToken;
use crate::Tenants;

/// All invitations that were created, in the order asked for.
#[derive(Serialize, ToSchema)]
pub(super) struct BulkInvited {
    invitations: Vec<InvitationWithToken>,
}

/// Invite many
///
/// Admins of the tenant; 1 to 100, all of them or none.
#[utoipa::path(
    post,
    path = "/tenants/{id}/invitations/bulk",
    tag = "invitations",
    operation_id = "bulk_create_invitations",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id")),
    request_body = Vec<InviteRequest>,
    responses(
        (status = 201, body = BulkInvited),
        (status = 400, description = "One breaks a rule or stands in the list twice", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or too few seats are free", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
        (status = 409, description = "One is invited or a member already, or the tenant not active", body = ErrorBody<'static>),
    )
)]
pub(super) async fn bulk_create_invitations(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Body(request): Body<Vec<InviteRequest>>,
) -> Result<(StatusCode, Json<BulkInvited>), ApiError> {
    let all: Vec<_> = request.into_iter().map(Into::into).collect();
    let invited = tenants.bulk_invite(&cx, tenant_id(&id)?, &all).await?;
    Ok((StatusCode::CREATED, Json(BulkInvited { invitations: invited.into_iter().map(Into::into).collect() })))
}
