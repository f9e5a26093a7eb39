//! `GET /airtable-bases`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::{PageRules, ProjectId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Query, given};

use super::params::{flag, order_of};
use crate::service::list_bases::BaseFilters;
use crate::store::bases::LIST;
use crate::{AirtableBase, Workspaces};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListBasesQuery {
    /// Those of one project.
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<String>,
    /// Those kept in step, or not.
    #[param(value_type = Option<bool>)]
    sync_enabled: Option<String>,
    /// Part of name, description or base id, in any case.
    search: Option<String>,
}

/// A page of connected bases.
#[derive(Serialize, ToSchema)]
pub(super) struct BaseList {
    bases: Vec<AirtableBase>,
    /// The same as `bases`.
    data: Vec<AirtableBase>,
    #[serde(flatten)]
    page: PageFields,
}

/// List connected bases
///
/// Those in the caller's workspaces; all of the tenant's for its admins.
///
/// Ordered by `created_at` (default), `updated_at`, `name` or `base_id`.
#[utoipa::path(
    get,
    path = "/airtable-bases",
    tag = "airtable-bases",
    operation_id = "list_bases",
    params(ListBasesQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = BaseList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_bases(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Query(query): Query<ListBasesQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<AirtableBase>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let filters = BaseFilters {
        // What is no UUID names no project, and the nil one is nobody's.
        project: given(query.project_id).map(|id| id.parse().unwrap_or(ProjectId(Uuid::nil()))),
        sync_enabled: flag("sync_enabled", query.sync_enabled.as_deref())?,
        search: given(query.search),
    };
    let page = workspaces.list_bases(&cx, &filters, order_of(&LIST, &order), request).await?;
    Ok(Json(Listing::new("bases", page)))
}
