//! `GET` and `PUT /tenant`

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use kernel::{Ctx, TenantId, Version};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::Tenants;
use crate::http::admin::{AdminSettings, MemberView, PlanView};
use crate::http::update::UpdateTenantRequest;
use crate::model::Status;
use crate::service::dashboard::Overview;

use super::usage::OwnUsage;

/// The own tenant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnTenant {
    #[schema(value_type = uuid::Uuid)]
    id: TenantId,
    name: String,
    slug: String,
    domain: Option<String>,
    /// `active`, `suspended` or `archived`.
    status: &'static str,
    plan: PlanView,
    owner: Option<MemberView>,
    members: Vec<MemberView>,
    usage: OwnUsage,
    #[schema(value_type = AdminSettings)]
    settings: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// When somebody of the tenant last logged in.
    last_activity_at: Option<Timestamp>,
}

impl OwnTenant {
    fn tagged(cx: &Ctx, overview: Overview) -> Tagged<Self> {
        Tagged::of(Version::of(&overview.tenant), Self::of(cx, overview))
    }

    fn of(cx: &Ctx, overview: Overview) -> Self {
        let usage = OwnUsage::of(cx, &overview);
        let last_activity_at = overview.members.iter().filter_map(|person| person.last_login_at).max();
        let Overview { tenant, owner, members, .. } = overview;
        Self {
            status: match tenant.status {
                Status::Active | Status::Delinquent => "active",
                Status::Suspended => "suspended",
                Status::Canceled | Status::Deleted => "archived",
            },
            plan: PlanView::of(&tenant),
            id: tenant.id,
            name: tenant.name,
            slug: tenant.slug,
            domain: tenant.domain,
            owner: owner.map(Into::into),
            members: members.into_iter().map(Into::into).collect(),
            usage,
            settings: tenant.settings.for_dashboards(),
            created_at: tenant.created_at,
            updated_at: tenant.updated_at,
            last_activity_at,
        }
    }
}

/// Read the own tenant
#[utoipa::path(
    get,
    path = "/tenant",
    tag = "dashboards",
    operation_id = "get_own_tenant",
    responses(
        (status = 200, body = OwnTenant),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn get_own_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
) -> Result<Tagged<OwnTenant>, ApiError> {
    let overview = tenants.overview(&cx, tenants.own(&cx)?).await?;
    Ok(OwnTenant::tagged(&cx, overview))
}

/// Change the own tenant
///
/// Like `PUT /tenants/{id}`.
#[utoipa::path(
    put,
    path = "/tenant",
    tag = "dashboards",
    operation_id = "update_own_tenant",
    request_body = UpdateTenantRequest,
    responses(
        (status = 200, body = OwnTenant),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no tenant", body = ErrorBody<'static>),
        (status = 409, description = "Slug or domain taken, the tenant not active, or the plan too small", body = ErrorBody<'static>),
    )
)]
pub(in crate::http) async fn update_own_tenant(
    State(tenants): State<Arc<Tenants>>,
    Auth(cx): Auth,
    Body(request): Body<UpdateTenantRequest>,
) -> Result<Tagged<OwnTenant>, ApiError> {
    let tenant = tenants.update(&cx, tenants.own(&cx)?, &request.into()).await?;
    Ok(OwnTenant::tagged(&cx, tenants.overview_of(&cx, tenant).await?))
}
