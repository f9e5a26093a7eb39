//! `GET /projects`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::{PageRules, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Query, given};

use super::params::{flag, order_of};
use crate::model::canonical;
use crate::service::list_projects::ProjectFilters;
use crate::store::projects::LIST;
use crate::{Project, Workspaces};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListProjectsQuery {
    /// Those of one workspace.
    #[param(value_type = Option<uuid::Uuid>)]
    workspace_id: Option<String>,
    /// `active` or `archived`.
    status: Option<String>,
    /// Part of name or description, in any case.
    search: Option<String>,
    /// Those this person created.
    created_by: Option<String>,
    /// Deleted ones too; for the tenant's admins, ignored otherwise.
    #[param(value_type = Option<bool>)]
    include_deleted: Option<String>,
}

/// A page of projects.
#[derive(Serialize, ToSchema)]
pub(super) struct ProjectList {
    projects: Vec<Project>,
    /// The same as `projects`.
    data: Vec<Project>,
    #[serde(flatten)]
    page: PageFields,
}

/// List projects
///
/// Those in the caller's workspaces; all of the tenant's for its admins.
///
/// Ordered by `created_at` (default), `updated_at`, `name` or `status`.
#[utoipa::path(
    get,
    path = "/projects",
    tag = "projects",
    operation_id = "list_projects",
    params(ListProjectsQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = ProjectList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_projects(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Query(query): Query<ListProjectsQuery>,
    Query(order): Query<OrderQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Listing<Project>>, ApiError> {
    let request = page.request(PageRules::WORKSPACES)?;
    let filters = ProjectFilters {
        // What is no UUID names no workspace, and the nil one is nobody's.
        workspace: given(query.workspace_id).map(|id| id.parse().unwrap_or(WorkspaceId(Uuid::nil()))),
        status: given(query.status),
        created_by: given(query.created_by).map(|id| canonical(&id)),
        search: given(query.search),
        include_deleted: flag("include_deleted", query.include_deleted.as_deref())?.unwrap_or_default(),
    };
    let page = workspaces.list_projects(&cx, &filters, order_of(&LIST, &order), request).await?;
    Ok(Json(Listing::new("projects", page)))
}
