//! `DELETE /notifications/templates/{kind}/{locale}`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use web::{ApiError, Auth, ErrorBody, Path};

use crate::Notifications;
use crate::service::templates::Key;

/// Go back to the program's words
///
/// Admins.
#[utoipa::path(
    delete,
    path = "/notifications/templates/{kind}/{locale}",
    tag = "notifications",
    operation_id = "delete_notification_template",
    params(
        ("kind" = String, Path, description = "The event, or what is only sent by mail"),
        ("locale" = String, Path, description = "The language: `de`, `de-AT`"),
    ),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 204, description = "Done"),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such kind or language, or no words of the tenant's own", body = ErrorBody<'static>),
    )
)]
pub(super) async fn delete_notification_template(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Path((kind, locale)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    notifications.delete_template(&cx, &Key::parse(&kind, &locale)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
