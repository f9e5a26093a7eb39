//! `POST /tenants/{id}/invitations/{invitation_id}/resend`

use std::sync::Arc;

use axum::extract::State;
use kernel::Version;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use super::views::InvitationWithToken;
use super::{invitation_id, tenant_id};
use crate::Tenants;

/// Send an invitation again
///
/// Admins of the tenant. It gets a new token and seven more days; the old token is dead.
#[utoipa::path(
    post,
    path = "/tenants/{id}/invitations/{invitation_id}/resend",
    tag = "invitations",
    operation_id = "resend_invitation",
    params(
        ("id" = uuid::Uuid, Path, description = "The tenant's id"),
        ("invitation_id" = uuid::Uuid, Path, description = "The invitation's id"),
    ),
    responses(
        (status = 200, body = InvitationWithToken),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin, or no seat is free", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant or invitation", body = ErrorBody<'static>),
        (status = 409, description = "Accepted or revoked already", body = ErrorBody<'static>),
    )
)]
pub(super) async fn resend_invitation(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path((id, invitation)): Path<(String, String)>,
) -> Result<Tagged<InvitationWithToken>, ApiError> {
    let invited = tenants.resend_invitation(&cx, tenant_id(&id)?, invitation_id(&invitation)?).await?;
    Ok(Tagged::of(Version::of(&invited.invitation), invited.into()))
}
