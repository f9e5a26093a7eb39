//! `GET /admin/tenants`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageQuery, Pagination, Query};

use super::views::AdminTenant;
use crate::Tenants;
use crate::http::list::{ListQuery, order_of};

/// A page of tenants; the other fields of `GET /tenants` are there too.
#[derive(Serialize, ToSchema)]
pub(super) struct AdminTenantList {
    data: Vec<AdminTenant>,
    pagination: Pagination,
}

/// List tenants for the admin dashboard
///
/// All of them for super admins; an admin's own otherwise.
#[utoipa::path(
    get,
    path = "/admin/tenants",
    tag = "dashboards",
    operation_id = "admin_list_tenants",
    params(ListQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = AdminTenantList),
        (status = 400, description = "A paging parameter that is no number, or a cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_list_tenants(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<AdminTenant>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let page = tenants.list_overviews(&cx, &query.filters(), order_of(&order), request).await?;
    Ok(Json(Listing::new("tenants", page.map(|overview| AdminTenant::of(&cx, overview)))))
}
