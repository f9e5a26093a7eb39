//! `GET /tenant/members`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, PageQuery, Pagination, Query};

use crate::Tenants;
use crate::http::admin::MemberView;

/// Whom to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MemberQuery {
    /// Part of the address or a name, in any case.
    search: Option<String>,
}

/// A page of people; the other fields of a list are there too.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnMemberList {
    members: Vec<MemberView>,
    /// The same as `members`.
    data: Vec<MemberView>,
    pagination: Pagination,
}

/// List the people of the own tenant
#[utoipa::path(
    get,
    path = "/tenant/members",
    tag = "dashboards",
    operation_id = "list_own_members",
    params(MemberQuery, PageQuery),
    responses(
        (status = 200, body = OwnMemberList),
        (status = 400, description = "A paging parameter that is no number, or a cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn list_own_members(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Query(query): Query<MemberQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<MemberView>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let search = query.search.filter(|text| !text.is_empty());
    let page = tenants.list_members(&cx, search, request).await?;
    Ok(Json(Listing::new("members", page.map(Into::into))))
}
