//! `GET /users`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{PageRules, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, PageQuery, Pagination, Query};

use crate::store::list::{Filters, Order, SortBy};
use crate::{User, Users};

/// Filters and order; values that make no sense are ignored, as the old service did (T-05).
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Another tenant, for super admins; ignored otherwise (T-58).
    #[param(value_type = Option<uuid::Uuid>)]
    tenant_id: Option<String>,
    /// Exactly this role.
    role: Option<String>,
    /// Those who may log in, or may not.
    #[param(value_type = Option<bool>)]
    is_active: Option<String>,
    /// Those whose address was confirmed, or was not.
    #[param(value_type = Option<bool>)]
    email_verified: Option<String>,
    /// Part of the address or a name, in any case.
    search: Option<String>,
    /// A date or an instant.
    #[param(example = "2026-01-31")]
    created_after: Option<String>,
    /// `created_at` (default), `updated_at`, `last_login_at`, `email`, `first_name` or `last_name`.
    sort_by: Option<String>,
    /// The same as `sort_by`.
    sort: Option<String>,
    /// `asc`; anything else descends.
    sort_order: Option<String>,
    /// The same as `sort_order`.
    order: Option<String>,
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub(super) struct UserList {
    users: Vec<User>,
    /// The same as `users`.
    data: Vec<User>,
    limit: u32,
    page_size: u32,
    /// Not in the cursor dialect.
    total: Option<u64>,
    /// Not in the cursor dialect.
    page: Option<u64>,
    /// Not in the cursor dialect.
    total_pages: Option<u64>,
    /// Not in the cursor dialect.
    offset: Option<u64>,
    /// Not in the cursor dialect.
    pagination: Option<Pagination>,
    /// Send as `cursor` for what follows; null at the end.
    next_cursor: Option<String>,
}

impl ListQuery {
    /// Another tenant than the caller's own.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.tenant_id.as_deref().and_then(|id| id.parse().ok())
    }

    pub(super) fn filters(&self) -> Filters {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Filters {
            role: given(&self.role),
            is_active: given(&self.is_active).map(|word| is_true(&word)),
            email_verified: given(&self.email_verified).map(|word| is_true(&word)),
            created_after: self.created_after.as_deref().and_then(instant),
            search: given(&self.search),
        }
    }

    pub(super) fn order(&self) -> Order {
        let asked = self.sort_by.as_deref().or(self.sort.as_deref());
        let ascending = self.sort_order.as_deref().or(self.order.as_deref()) == Some("asc");
        match asked.map(snake_case).map(SortBy::parse) {
            // A column that may not be sorted by falls back to the default order altogether, direction included.
            Some(None) => Order::default(),
            Some(Some(by)) => Order { by, ascending },
            None => Order { by: SortBy::default(), ascending },
        }
    }
}

/// Dashboards send the camel-case names of the fields they show.
fn snake_case(word: &str) -> &str {
    match word {
        "createdAt" | "joinedAt" => "created_at",
        "updatedAt" => "updated_at",
        "lastLoginAt" | "lastActiveAt" => "last_login_at",
        "firstName" => "first_name",
        "lastName" => "last_name",
        other => other,
    }
}

/// Go's words for true; anything else was false (contract 1.2.4).
fn is_true(word: &str) -> bool {
    matches!(word, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

fn instant(text: &str) -> Option<Timestamp> {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    text.parse().ok().or_else(|| text.parse().ok().and_then(midnight))
}

/// List the people of a tenant
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    operation_id = "list_users",
    params(ListQuery, PageQuery),
    responses(
        (status = 200, body = UserList),
        (status = 400, description = "A cursor that fits no answer", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service that names no tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_users(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<User>>, ApiError> {
    let request = page.request(PageRules::USERS)?;
    let page = users.list(&cx, query.tenant(), &query.filters(), query.order(), request).await?;
    Ok(Json(Listing::new("users", page)))
}
