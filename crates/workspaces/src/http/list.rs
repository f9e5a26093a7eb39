//! `GET /workspaces`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::PageRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Query, given};

use super::params::{flag, order_of};
use crate::service::list::Filters;
use crate::store::workspaces::LIST;
use crate::{Workspace, Workspaces};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Another tenant, for super admins; ignored otherwise (T-58).
    #[param(value_type = Option<uuid::Uuid>)]
    tenant_id: Option<String>,
    /// Part of name or description, in any case.
    search: Option<String>,
    /// Those this person created.
    created_by: Option<String>,
    /// Deleted and archived ones too; for the tenant's admins, ignored otherwise.
    #[param(value_type = Option<bool>)]
    include_deleted: Option<String>,
}

/// A page of workspaces.
#[derive(Serialize, ToSchema)]
pub(super) struct WorkspaceList {
    workspaces: Vec<Workspace>,
    /// The same as `workspaces`.
    data: Vec<Workspace>,
    #[serde(flatten)]
    page: PageFields,
}

/// List the workspaces of the tenant
///
/// All of them, also those the caller is no member of; of these without owner and counts.
///
/// Ordered by `created_at` (default), `updated_at` or `name`.
#[utoipa::path(
    get,
    path = "/workspaces",
    tag = "workspaces",
    operation_id = "list_workspaces",
    params(ListQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = WorkspaceList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_workspaces(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Query(query): Query<ListQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Workspace>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let filters = Filters {
        tenant: query.tenant_id.and_then(|id| id.parse().ok()),
        created_by: given(query.created_by).map(|id| crate::model::canonical(&id)),
        search: given(query.search),
        include_deleted: flag("include_deleted", query.include_deleted.as_deref())?.unwrap_or_default(),
    };
    let page = workspaces.list(&cx, &filters, order_of(&LIST, &order), request).await?;
    Ok(Json(Listing::new("workspaces", page)))
}
