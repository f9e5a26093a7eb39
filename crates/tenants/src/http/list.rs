//! `GET /tenants`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use db::list::Order;
use kernel::PageRules;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageQuery, Query, given, go_bool, instant};

use super::views::TenantList;
use crate::Tenants;
use crate::model::{Plan, Tenant};
use crate::store::list::{Filters, LIST};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Part of the name, slug or domain, in any case.
    search: Option<String>,
    /// Exactly this status; deleted tenants are shown only when asked for.
    #[param(example = "active")]
    status: Option<String>,
    /// Exactly this plan.
    #[param(example = "free")]
    plan: Option<String>,
    /// Those that let their people in, or do not.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// A date or an instant.
    #[param(example = "2026-01-31")]
    created_after: Option<String>,
}

impl ListQuery {
    pub(super) fn filters(self) -> Filters {
        Filters {
            status: given(self.status),
            // Asked for in another edition's word, stored in ours.
            plan: given(self.plan).map(|word| Plan::parse(&word).map_or(word, |plan| plan.as_str().to_owned())),
            is_active: given(self.is_active).map(|word| go_bool(&word) == Some(true)),
            created_after: self.created_after.as_deref().and_then(instant),
            search: given(self.search),
        }
    }
}

/// The order a client asks for. Dashboards send the camel-case names of the fields they show.
pub(super) fn order_of(asked: &OrderQuery) -> Order {
    let column = asked.column().map(|word| match word {
        "createdAt" => "created_at",
        "updatedAt" => "updated_at",
        _ => word,
    });
    LIST.order(column, asked.direction() == Some("asc"))
}

/// List tenants
///
/// All of them for super admins; an admin's own otherwise.
///
/// Ordered by `created_at` (default), `updated_at`, `name`, `slug`, `plan` or `status`.
#[utoipa::path(
    get,
    path = "/tenants",
    tag = "tenants",
    operation_id = "list_tenants",
    params(ListQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = TenantList),
        (status = 400, description = "A paging parameter that is no number, or a cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_tenants(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Tenant>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let page = tenants.list(&cx, &query.filters(), order_of(&order), request).await?;
    Ok(Json(Listing::new("tenants", page)))
}
