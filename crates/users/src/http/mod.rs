//! Routes, one file an endpoint, and how outcomes become answers.

mod admin;
mod bulk_create;
mod change_password;
mod change_role;
mod create;
mod delete;
mod get;
mod list;
mod login;
mod logout;
mod me;
mod refresh;
mod register;
mod restore;
mod sessions;
mod set_active;
mod stats;
mod update;
mod validate;
mod views;

use std::str::FromStr as _;
use std::sync::Arc;

use kernel::UserId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, Code};

use crate::{UserError, Users};

/// Whole paths of other editions and clients, and the routes they stand for (T-23, contract 1.4, 1.6, 5).
pub const ALIASES: &[(&str, &str)] = &[
    ("/auth/profile", "/auth/me"),
    ("/users/profile", "/users/me"),
    ("/user/profile", "/users/me"),
    ("/public/login", "/auth/login"),
    ("/public/register", "/auth/register"),
    ("/auth/verify", "/auth/validate"),
];

/// The slice's routes, without prefix and without the slice: what the OpenAPI document is made of.
pub fn routes() -> OpenApiRouter<Arc<Users>> {
    OpenApiRouter::new()
        .routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(login::admin_login))
        .routes(routes!(refresh::refresh))
        .routes(routes!(logout::logout))
        .routes(routes!(validate::validate))
        .routes(routes!(change_password::change_password))
        .routes(routes!(me::get_auth_me, me::update_auth_me))
        .routes(routes!(me::get_me, me::update_me))
        .routes(routes!(sessions::list_sessions))
        .routes(routes!(sessions::revoke_session))
        .routes(routes!(list::list_users, create::create_user))
        .routes(routes!(bulk_create::bulk_create_users))
        .routes(routes!(stats::get_user_stats))
        .routes(routes!(get::get_user, update::update_user, delete::delete_user))
        .routes(routes!(restore::restore_user))
        .routes(routes!(set_active::deactivate_user))
        .routes(routes!(set_active::reactivate_user))
        .routes(routes!(change_role::change_user_role))
        .merge(admin::routes())
}

impl Users {
    /// The slice's routes, served by it.
    pub fn router(self: &Arc<Self>) -> OpenApiRouter {
        routes().with_state(Arc::clone(self))
    }
}

/// What auth-service answered when its token store was away, in the words of the endpoint (T-35).
fn store_failed(text: &'static str) -> impl Fn(UserError) -> ApiError {
    move |error| match error {
        UserError::TokenStore(cause) => ApiError::new(Code::InternalError, text).caused_by(cause),
        other => other.into(),
    }
}

/// A path's id. What is no UUID names nobody (T-01).
fn user_id(text: &str) -> Result<UserId, UserError> {
    UserId::from_str(text).map_err(|_| UserError::NotFound)
}

impl From<UserError> for ApiError {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Invalid { error, detail: None } => Self::bad_request(error),
            UserError::Invalid { error, detail: Some(detail) } => {
                let message = format!("{} {}", detail.field, detail.message);
                Self::bad_request(error).message(message).field(detail.field, detail.message)
            }
            UserError::EmailTaken => {
                Self::conflict("Email already registered").field("email", "has an account already")
            }
            UserError::UsernameTaken => {
                Self::conflict("Username already taken").field("username", "is somebody else's; choose another")
            }
            UserError::NoSeat(limit) => Self::new(Code::QuotaExceeded, "Quota exceeded").message(format!(
                "The plan allows {limit} people, pending invitations included; remove some or choose a larger plan"
            )),
            UserError::IdTaken => Self::conflict("User already exists").field("id", "has an account already"),
            UserError::InvalidCredentials => Self::unauthorized("Invalid email/username or password"),
            UserError::Inactive => Self::forbidden("Account is not active")
                .message("The account is switched off; an admin of the tenant can switch it on"),
            UserError::InvalidRefreshToken => Self::unauthorized("Invalid or expired refresh token"),
            UserError::WrongCurrentPassword => Self::bad_request("Current password is incorrect")
                .field("current_password", "is not the current password"),
            UserError::NotFound => Self::not_found("User not found"),
            UserError::SessionNotFound => Self::not_found("Session not found"),
            UserError::AccessDenied => Self::forbidden("Access denied"),
            UserError::InsufficientPermissions => Self::forbidden("Insufficient permissions"),
            UserError::JoinRefused => Self::forbidden("Invitation required")
                .message("A tenant is joined by invitation; leave tenant_id out to found one of your own"),
            UserError::MissingApiKey => Self::unauthorized("Missing API key"),
            UserError::TooManyAttempts { retry_after } => Self::rate_limited(retry_after)
                .message("Too many wrong passwords for this account; Retry-After says when to try again"),
            UserError::Busy => Self::unavailable("Service temporarily unavailable", 1)
                .message("Too many log-ins at once; try again in a second"),
            // Endpoints whose old text differs say so with `store_failed`.
            UserError::TokenStore(cause) => Self::internal(cause),
            UserError::Signing(cause) => Self::internal(cause),
            UserError::Database(error) => error.into(),
        }
    }
}
