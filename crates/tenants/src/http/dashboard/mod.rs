//! The tenant dashboard's paths (contract 1.4): the caller's own tenant, in the dashboard's camel-case shapes. Billing,
//! keys, webhooks, sessions and exports have no data behind them and no path here; workspaces are that slice's.

mod get;
mod invite;
mod members;
mod role;
mod settings;
mod usage;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Tenants;

pub(super) fn routes() -> OpenApiRouter<Arc<Tenants>> {
    OpenApiRouter::new()
        .routes(routes!(get::get_own_tenant, get::update_own_tenant))
        .routes(routes!(usage::get_own_usage))
        .routes(routes!(members::list_own_members))
        .routes(routes!(invite::invite_own_member))
        .routes(routes!(role::change_own_member_role, role::patch_own_member_role))
        .routes(routes!(settings::get_own_settings, settings::update_own_settings))
}
