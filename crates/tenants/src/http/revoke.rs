//! `DELETE /tenants/{id}/invitations/{invitation_id}`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use web::{ApiError, Auth, ErrorBody, Path};

use super::delete::gone;
use super::{invitation_id, tenant_id};
use crate::Tenants;

/// Take an invitation back
///
/// Admins of the tenant. With `Accept: application/json` the answer is 200 with a message.
#[utoipa::path(
    delete,
    path = "/tenants/{id}/invitations/{invitation_id}",
    tag = "invitations",
    operation_id = "revoke_invitation",
    params(
        ("id" = uuid::Uuid, Path, description = "The tenant's id"),
        ("invitation_id" = uuid::Uuid, Path, description = "The invitation's id"),
    ),
    responses(
        (status = 204, description = "Revoked"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant or invitation", body = ErrorBody<'static>),
        (status = 409, description = "Accepted or revoked already", body = ErrorBody<'static>),
    )
)]
pub(super) async fn revoke_invitation(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path((id, invitation)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    tenants.revoke_invitation(&cx, tenant_id(&id)?, invitation_id(&invitation)?).await?;
    Ok(gone(&headers, "Invitation revoked successfully"))
}
