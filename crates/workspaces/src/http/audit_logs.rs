//! `GET /audit-logs`, also `/workspaces/audit-logs`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::{PageRules, WorkspaceId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use web::{ApiError, Auth, ErrorBody, Listing, OrderQuery, PageFields, PageQuery, Query, given};

use super::params::order_of;
use crate::service::audit_logs::AuditFilters;
use crate::store::audit::LIST;
use crate::{AuditLog, Workspaces};

/// Filters.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// What happened in one workspace.
    #[param(value_type = Option<uuid::Uuid>)]
    workspace_id: Option<String>,
    /// What one person did.
    user_id: Option<String>,
    /// Exactly this action.
    #[param(example = "member.added")]
    action: Option<String>,
    /// What happened to things of one kind.
    #[param(example = "workspace_member")]
    resource_type: Option<String>,
    /// What happened to one thing.
    resource_id: Option<String>,
}

/// A page of records.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditLogList {
    logs: Vec<AuditLog>,
    /// The same as `logs`.
    data: Vec<AuditLog>,
    #[serde(flatten)]
    page: PageFields,
}

/// List what happened
///
/// In one workspace, for its admins; without `workspace_id` in all workspaces the caller administers and, for the tenant's
/// admins, anywhere in the tenant.
///
/// Ordered by `created_at` (default), `action`, `resource_type` or `user_id`. 50 a page by default.
#[utoipa::path(
    get,
    path = "/audit-logs",
    tag = "audit",
    operation_id = "list_audit_logs",
    params(AuditQuery, OrderQuery, PageQuery),
    responses(
        (status = 200, body = AuditLogList),
        (status = 400, description = "A parameter makes no sense", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A member of the workspace who is not its admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_audit_logs(
    State(workspaces): State<Arc<Workspaces>>,
    Auth(cx): Auth,
    Query(query): Query<AuditQuery>,
    Query(order): Query<OrderQuery>,
    Query(mut page): Query<PageQuery>,
) -> Result<Json<Listing<AuditLog>>, ApiError> {
    // This list's page was larger than the others' (contract 1.3.8).
    if page.page_size.is_none() && page.per_page.is_none() && page.limit.is_none() && page.offset.is_none() {
        page.page_size = Some("50".to_owned());
    }
    let request = page.request(PageRules::WORKSPACES)?;
    let filters = AuditFilters {
        // What is no UUID names no workspace, and the nil one is nobody's.
        workspace: given(query.workspace_id).map(|id| id.parse().unwrap_or(WorkspaceId(Uuid::nil()))),
        user_id: given(query.user_id),
        action: given(query.action),
        resource_type: given(query.resource_type),
        resource_id: given(query.resource_id),
    };
    let page = workspaces.audit_logs(&cx, &filters, order_of(&LIST, &order), request).await?;
    Ok(Json(Listing::new("logs", page)))
}
