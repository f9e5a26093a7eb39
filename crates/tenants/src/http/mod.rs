//! Routes, one file an endpoint, and how outcomes become answers.

mod accept;
mod admin;
mod bulk_invite;
mod create;
mod dashboard;
mod delete;
mod get;
mod invite;
mod list;
mod list_invitations;
mod resend;
mod revoke;
mod settings;
mod sign_up;
mod state;
mod update;
mod usage;
mod validate_slug;
mod views;

use std::str::FromStr as _;
use std::sync::Arc;

use kernel::{TenantId, UserId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, Code};

use crate::model::InvitationId;
use crate::{TenantError, Tenants};

/// Whole paths of other editions and clients, and the routes they stand for.
pub const ALIASES: &[(&str, &str)] = &[
    ("/public/tenants/sign-up", "/tenants/sign-up"),
    ("/tenants/validate-slug", "/public/tenants/validate-slug"),
    ("/invitations/accept", "/public/invitations/accept"),
];

/// The slice's routes, without prefix and without the slice: what the OpenAPI document is made of.
pub fn routes() -> OpenApiRouter<Arc<Tenants>> {
    OpenApiRouter::new()
        .routes(routes!(sign_up::sign_up))
        .routes(routes!(validate_slug::validate_slug))
        .routes(routes!(list::list_tenants, create::create_tenant))
        .routes(routes!(get::get_tenant_by_slug))
        .routes(routes!(get::get_tenant, update::update_tenant, delete::delete_tenant))
        .routes(routes!(state::suspend_tenant))
        .routes(routes!(state::reactivate_tenant))
        .routes(routes!(usage::get_tenant_usage))
        .routes(routes!(settings::get_tenant_settings, settings::update_tenant_settings))
        .routes(routes!(list_invitations::list_invitations, invite::create_invitation))
        .routes(routes!(bulk_invite::bulk_create_invitations))
        .routes(routes!(resend::resend_invitation))
        .routes(routes!(revoke::revoke_invitation))
        .routes(routes!(accept::accept_invitation))
        .merge(admin::routes())
        .merge(dashboard::routes())
}

impl Tenants {
    /// The slice's routes, served by it.
    pub fn router(self: &Arc<Self>) -> OpenApiRouter {
        routes().with_state(Arc::clone(self))
    }
}

/// A path's id. What is no UUID names nothing (T-01).
fn tenant_id(text: &str) -> Result<TenantId, TenantError> {
    TenantId::from_str(text).map_err(|_| TenantError::NotFound)
}

fn invitation_id(text: &str) -> Result<InvitationId, TenantError> {
    uuid::Uuid::from_str(text).map(InvitationId).map_err(|_| TenantError::InvitationNotFound)
}

fn member_id(text: &str) -> Result<UserId, TenantError> {
    UserId::from_str(text).map_err(|_| TenantError::MemberNotFound)
}

impl From<TenantError> for ApiError {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Invalid { error, detail } => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request(error).message(message).field(detail.field, detail.message)
            }
            TenantError::NotFound => Self::not_found("Tenant not found"),
            TenantError::InsufficientPermissions => Self::forbidden("Insufficient permissions"),
            TenantError::SlugTaken => Self::conflict("Slug already taken").field("slug", "belongs to another tenant"),
            TenantError::DomainTaken => {
                Self::conflict("Domain already taken").field("domain", "belongs to another tenant")
            }
            TenantError::NotActive(status) => Self::conflict("Tenant is not active")
                .message(format!("The tenant is {}; it must be active for this", status.as_str())),
            TenantError::AlreadySuspended => Self::conflict("Tenant is already suspended"),
            TenantError::NotSuspended => Self::conflict("Tenant is not suspended"),
            TenantError::OwnTenant => Self::conflict("Own tenant")
                .message("You would lock yourself out; a super admin of another tenant can do it"),
            TenantError::HasWorkspaces(live) => Self::conflict(format!("Tenant has {live} active workspaces"))
                .message(format!("{live} workspaces are live; delete them first, or repeat with force=true")),
            TenantError::PlanTooSmall { what, used, limit } => Self::conflict("Plan is too small")
                .message(format!("{used} {what} are in use, the plan allows {limit}"))
                .field("plan", format!("allows {limit} {what}, {used} are in use")),
            TenantError::NoSeat(limit) => Self::new(Code::QuotaExceeded, "Quota exceeded").message(format!(
                "The plan allows {limit} people, pending invitations included; remove some or choose a larger plan"
            )),
            TenantError::InvitationNotFound => Self::not_found("Invitation not found"),
            TenantError::InvitationClosed(status) => Self::conflict(format!("Invitation is {}", status.as_str()))
                .message(format!("The invitation is {}; ask an admin of the tenant for another", status.as_str())),
            TenantError::AlreadyInvited => Self::conflict("Already invited")
                .message("The address has a pending invitation; send that one again, or revoke it")
                .field("email", "has a pending invitation"),
            TenantError::AlreadyMember => Self::conflict("Already a member")
                .message("The address has an account in this tenant already")
                .field("email", "has an account in this tenant"),
            TenantError::AccountElsewhere => Self::conflict("Email already registered").message(
                "The address has an account in another tenant, and an account belongs to one tenant only; \
                 ask to be invited with another address",
            ),
            TenantError::MemberNotFound => Self::not_found("Member not found"),
            TenantError::At { index, source } => {
                Self::from(*source).field(format!("[{index}]"), "is the one that was refused; nothing was stored")
            }
            TenantError::People(error) => *error,
            TenantError::Database(error) => error.into(),
        }
    }
}
