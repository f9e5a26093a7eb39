//! `GET /notifications/templates/{kind}/{locale}`

use std::sync::Arc;

use axum::extract::State;
use web::{ApiError, Auth, ErrorBody, Path, Tagged};

use crate::service::templates::Key;
use crate::{Notifications, Template};

/// Read a text people are told things in
///
/// Admins. A language that nobody has written in yet has a template too, with nothing in it.
#[utoipa::path(
    get,
    path = "/notifications/templates/{kind}/{locale}",
    tag = "notifications",
    operation_id = "get_notification_template",
    params(
        ("kind" = String, Path, description = "The event, or what is only sent by mail"),
        ("locale" = String, Path, description = "The language: `de`, `de-AT`"),
    ),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Template),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such kind, or no name of a language", body = ErrorBody<'static>),
    )
)]
pub(super) async fn get_notification_template(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path((kind, locale)): Path<(String, String)>,
) -> Result<Tagged<Template>, ApiError> {
    Ok(Tagged::new(notifications.get_template(&cx, &Key::parse(&kind, &locale)?).await?))
}
