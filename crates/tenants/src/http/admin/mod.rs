//! The admin dashboard's paths (contract 1.4): the same use cases as `/tenants`, in the dashboard's camel-case shapes.

mod create;
mod get;
mod list;
mod state;
mod update;
mod usage;
mod views;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use views::{AdminSettings, LimitsView, MemberView, PlanView, UsageView};

use crate::Tenants;

pub(super) fn routes() -> OpenApiRouter<Arc<Tenants>> {
    OpenApiRouter::new()
        .routes(routes!(list::admin_list_tenants, create::admin_create_tenant))
        .routes(routes!(get::admin_get_tenant, update::admin_update_tenant))
        .routes(routes!(state::admin_suspend_tenant))
        .routes(routes!(state::admin_reactivate_tenant))
        .routes(routes!(usage::admin_get_tenant_usage))
}
