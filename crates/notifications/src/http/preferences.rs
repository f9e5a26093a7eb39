//! `/notifications/preferences` and `/notifications/preferences/defaults`

use std::sync::Arc;

use axum::extract::State;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::service::preferences::Whose;
use crate::{Notifications, Preferences};

/// `/notifications/preferences`
pub(super) fn routes() -> OpenApiRouter<Arc<Notifications>> {
    OpenApiRouter::new()
        .routes(routes!(get_notification_preferences, update_notification_preferences, reset_notification_preferences))
        .routes(routes!(get_notification_defaults, update_notification_defaults, reset_notification_defaults))
}

/// Read what one wants to be told of
///
/// What holds, whoever decided it: oneself, the tenant's admins, or nobody.
#[utoipa::path(
    get,
    path = "/notifications/preferences",
    tag = "notifications",
    operation_id = "get_notification_preferences",
    security(("bearer" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_notification_preferences(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.get_preferences(&cx, Whose::Own).await?))
}

/// Change what one wants to be told of
///
/// What is given overwrites, `null` goes back to the default, at every depth; the rest stays. Security is always told
/// of in the application, and mails about it wait for neither digests nor quiet hours.
#[utoipa::path(
    put,
    path = "/notifications/preferences",
    tag = "notifications",
    operation_id = "update_notification_preferences",
    request_body = Preferences,
    security(("bearer" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_notification_preferences(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(change): Body<Map<String, Value>>,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.update_preferences(&cx, Whose::Own, change).await?))
}

/// Go back to the tenant's defaults
#[utoipa::path(
    delete,
    path = "/notifications/preferences",
    tag = "notifications",
    operation_id = "reset_notification_preferences",
    security(("bearer" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn reset_notification_preferences(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.reset_preferences(&cx, Whose::Own).await?))
}

/// Read what the tenant's people are told of by default
///
/// Admins. What holds for those who chose nothing.
#[utoipa::path(
    get,
    path = "/notifications/preferences/defaults",
    tag = "notifications",
    operation_id = "get_notification_defaults",
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_notification_defaults(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.get_preferences(&cx, Whose::Tenant).await?))
}

/// Change what the tenant's people are told of by default
///
/// Admins. Whoever chose for themselves keeps their choice.
#[utoipa::path(
    put,
    path = "/notifications/preferences/defaults",
    tag = "notifications",
    operation_id = "update_notification_defaults",
    request_body = Preferences,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 400, description = "A field breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_notification_defaults(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(change): Body<Map<String, Value>>,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.update_preferences(&cx, Whose::Tenant, change).await?))
}

/// Go back to the program's defaults
///
/// Admins.
#[utoipa::path(
    delete,
    path = "/notifications/preferences/defaults",
    tag = "notifications",
    operation_id = "reset_notification_defaults",
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Preferences),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn reset_notification_defaults(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
) -> Result<Tagged<Preferences>, ApiError> {
    Ok(Tagged::new(notifications.reset_preferences(&cx, Whose::Tenant).await?))
}
