//! `GET /users`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use db::list::Order;
use kernel::{PageRules, TenantId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Query, given, go_bool, instant};

use crate::store::list::{Filters, LIST};
use crate::{User, Users};

/// Filters; values that make no sense are ignored, as the old service did (T-05).
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
}

/// A page of people.
#[derive(Serialize, ToSchema)]
pub(super) struct UserList {
    users: Vec<User>,
    /// The same as `users`.
    data: Vec<User>,
    #[serde(flatten)]
    page: PageFields,
}

impl ListQuery {
    /// Another tenant than the caller's own.
    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.tenant_id.as_deref().and_then(|id| id.parse().ok())
    }

    pub(super) fn filters(self) -> Filters {
        Filters {
            role: given(self.role),
            is_active: given(self.is_active).map(|word| is_true(&word)),
            email_verified: given(self.email_verified).map(|word| is_true(&word)),
            created_after: self.created_after.as_deref().and_then(instant),
            search: given(self.search),
        }
    }
}

/// The order a client asks for; only this spelling ascends (contract 1.2.4).
pub(super) fn asked(order: &OrderQuery) -> Order {
    LIST.order(order.column().map(snake_case), order.direction() == Some("asc"))
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
    go_bool(word) == Some(true)
}

/// List the people of a tenant
///
/// Ordered by `created_at` (default), `updated_at`, `last_login_at`, `email`, `first_name` or `last_name`.
#[utoipa::path(
    get,
    path = "/users",
    tag = "users",
    operation_id = "list_users",
    params(ListQuery, OrderQuery, PageQuery),
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
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<User>>, ApiError> {
    let request = page.request(PageRules::USERS)?;
    let (tenant, order) = (query.tenant(), asked(&order));
    let page = users.list(&cx, tenant, &query.filters(), order, request).await?;
    Ok(Json(Listing::new("users", page)))
}
