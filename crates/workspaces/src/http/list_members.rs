//! `GET /workspaces/{id}/members`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Path, Query};

use super::params::order_of;
use super::workspace_id;
use crate::store::members::LIST;
use crate::{Member, Workspaces};

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberList {
    members: Vec<Member>,
    /// The same as `members`.
    data: Vec<Member>,
    #[serde(flatten)]
    page: PageFields,
}

/// List the members of a workspace
///
/// Newest first; sorted by `joined_at` or `role`. Empty for people of the tenant who are not members.
#[utoipa::path(
    get,
    path = "/workspaces/{id}/members",
    tag = "members",
    operation_id = "list_members",
    params(("id" = uuid::Uuid, Path, description = "The workspace"), OrderQuery, PageQuery),
    responses(
        (status = 200, body = MemberList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "No such object in the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_members(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Member>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let page = workspaces.list_members(&cx, workspace_id(&id)?, order_of(&LIST, &order), request).await?;
    Ok(Json(Listing::new("members", page)))
}
