//! The admin dashboard's paths (contract 1.4): the same use cases as `/users`, for admins only, in the dashboard's
//! camel-case shapes. Its page of a person's activity has no server: nothing says what it reads.

mod create;
mod get;
mod list;
mod state;
mod update;
mod views;

use std::sync::Arc;

use kernel::{Ctx, Role};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{UserError, Users};

pub(super) fn routes() -> OpenApiRouter<Arc<Users>> {
    OpenApiRouter::new()
        .routes(routes!(list::admin_list_users, create::admin_create_user))
        .routes(routes!(get::admin_get_user, update::admin_update_user))
        .routes(routes!(state::admin_suspend_user))
        .routes(routes!(state::admin_reactivate_user))
}

/// People may read themselves and each other under `/users`; nobody but admins is here.
fn require_admin(cx: &Ctx) -> Result<(), UserError> {
    if cx.has_role(Role::Admin) { Ok(()) } else { Err(UserError::InsufficientPermissions) }
}
