//! `GET /tenants/{id}/invitations`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Listing, PageQuery, Path, Query};

use super::tenant_id;
use super::views::InvitationList;
use crate::Tenants;
use crate::model::{Invitation, InvitationStatus};

/// Which invitations.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InvitationQuery {
    /// `pending`, `accepted`, `revoked` or `expired`; all by default, and for any other word.
    status: Option<String>,
}

/// List the invitations of a tenant
///
/// Admins of the tenant; newest first.
#[utoipa::path(
    get,
    path = "/tenants/{id}/invitations",
    tag = "invitations",
    operation_id = "list_invitations",
    params(("id" = uuid::Uuid, Path, description = "The tenant's id"), InvitationQuery, PageQuery),
    responses(
        (status = 200, body = InvitationList),
        (status = 400, description = "A paging parameter that is no number, or a cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such tenant, or none of the caller's", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_invitations(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Query(query): Query<InvitationQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Invitation>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let status = query.status.as_deref().and_then(InvitationStatus::parse);
    let page = tenants.list_invitations(&cx, tenant_id(&id)?, status, request).await?;
    Ok(Json(Listing::new("invitations", page)))
}
