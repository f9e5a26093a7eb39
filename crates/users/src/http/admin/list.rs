//! `GET /admin/users`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageQuery, Pagination, Query};

use super::require_admin;
use super::views::AdminUser;
use crate::Users;
use crate::http::list::{ListQuery, asked};

/// A page of people; the other fields of `GET /users` are there too.
#[derive(Serialize, ToSchema)]
pub(super) struct AdminUserList {
    data: Vec<AdminUser>,
    pagination: Pagination,
}

/// List people for the admin dashboard
///
/// Like `GET /users`, for admins.
#[utoipa::path(
    get,
    path = "/admin/users",
    tag = "dashboards",
    operation_id = "admin_list_users",
    params(ListQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = AdminUserList),
        (status = 400, description = "A cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn admin_list_users(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<AdminUser>>, ApiError> {
    require_admin(&cx)?;
    let request = page.request(PageRules::USERS)?;
    let (tenant, order) = (query.tenant(), asked(&order));
    let page = users.list(&cx, tenant, &query.filters(), order, request).await?;
    Ok(Json(Listing::new("users", page.map(AdminUser::from))))
}
