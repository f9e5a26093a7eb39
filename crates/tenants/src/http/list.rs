//! `GET /tenants`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::PageRules;
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Listing, PageQuery, Query};

use super::views::TenantList;
use crate::Tenants;
use crate::model::{Plan, Tenant};
use crate::store::list::{Filters, Order, SortBy};

/// Filters and order.
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
    /// `created_at` (default), `updated_at`, `name`, `slug`, `plan` or `status`.
    sort_by: Option<String>,
    /// The same as `sort_by`.
    sort: Option<String>,
    /// `asc`; anything else descends.
    sort_order: Option<String>,
    /// The same as `sort_order`.
    order: Option<String>,
}

impl ListQuery {
    pub(super) fn filters(&self) -> Filters {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Filters {
            status: given(&self.status),
            // Asked for in another edition's word, stored in ours.
            plan: given(&self.plan).map(|word| Plan::parse(&word).map_or(word, |plan| plan.as_str().to_owned())),
            is_active: given(&self.is_active).map(|word| matches!(word.as_str(), "1" | "t" | "true" | "True" | "TRUE")),
            created_after: self.created_after.as_deref().and_then(instant),
            search: given(&self.search),
        }
    }

    /// A column that may not be sorted by falls back to the default order altogether, direction included (T-60).
    pub(super) fn order(&self) -> Order {
        let asked = self.sort_by.as_deref().or(self.sort.as_deref());
        let ascending = self.sort_order.as_deref().or(self.order.as_deref()) == Some("asc");
        match asked.map(SortBy::parse) {
            Some(None) => Order::default(),
            Some(Some(by)) => Order { by, ascending },
            None => Order { by: SortBy::default(), ascending },
        }
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(|| text.parse().ok().and_then(midnight))
}

/// List tenants
///
/// All of them for super admins; an admin's own otherwise.
#[utoipa::path(
    get,
    path = "/tenants",
    tag = "tenants",
    operation_id = "list_tenants",
    params(ListQuery, PageQuery),
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
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Tenant>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let page = tenants.list(&cx, &query.filters(), query.order(), request).await?;
    Ok(Json(Listing::new("tenants", page)))
}
