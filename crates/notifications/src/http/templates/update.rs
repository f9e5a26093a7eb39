//! `PUT /notifications/templates/{kind}/{locale}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, Body, ErrorBody, Path, Tagged};

use crate::service::templates::Key;
use crate::{Notifications, Parts, Template};

/// Tell people in own words
///
/// Admins. Replaces the tenant's own parts; what is left out is said in the program's words. A template must be fit to be
/// filled in with a sample; one that fails later is passed over for the program's.
#[utoipa::path(
    put,
    path = "/notifications/templates/{kind}/{locale}",
    tag = "notifications",
    operation_id = "update_notification_template",
    params(
        ("kind" = String, Path, description = "The event, or what is only sent by mail"),
        ("locale" = String, Path, description = "The language: `de`, `de-AT`"),
    ),
    request_body = Parts,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Template),
        (status = 400, description = "A part breaks a rule; the message names the line and why", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such kind, or no name of a language", body = ErrorBody<'static>),
        (status = 409, description = "The tenant has 200 templates", body = ErrorBody<'static>),
    )
)]
pub(super) async fn update_notification_template(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path((kind, locale)): Path<(String, String)>,
    Body(parts): Body<Parts>,
) -> Result<Tagged<Template>, ApiError> {
    Ok(Tagged::new(notifications.update_template(&cx, &Key::parse(&kind, &locale)?, parts).await?))
}
