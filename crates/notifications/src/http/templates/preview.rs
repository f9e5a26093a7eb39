//! `POST /notifications/templates/preview`

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, NeverKept};

use crate::service::templates::Key;
use crate::{Notifications, Parts};

/// What to try out.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct PreviewRequest {
    /// The event, or what is only sent by mail.
    #[schema(example = "workspace.member.added")]
    kind: String,
    /// The language.
    #[schema(example = "de")]
    locale: String,
    /// In place of what the tenant has.
    parts: Option<Parts>,
    /// In place of what the sample has.
    #[schema(value_type = Option<Object>)]
    variables: Option<Map<String, Value>>,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    /// In the feed.
    title: String,
    /// In the feed.
    message: String,
    /// Of the mail.
    subject: String,
    /// The mail as plain text.
    text: String,
    /// The mail as a page.
    html: String,
}

/// Try a text out
///
/// Admins. Fills it in with a sample; nothing is saved and nobody told.
#[utoipa::path(
    post,
    path = "/notifications/templates/preview",
    tag = "notifications",
    operation_id = "preview_notification_template",
    request_body = PreviewRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = Preview),
        (status = 400, description = "A part breaks a rule; the message names the line and why", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such kind, or no name of a language", body = ErrorBody<'static>),
    )
)]
pub(super) async fn preview_notification_template(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<PreviewRequest>,
) -> Result<(Extension<NeverKept>, Json<Preview>), ApiError> {
    let PreviewRequest { kind, locale, parts, variables } = request;
    let key = Key::parse(&kind, &locale)?;
    let (feed, mail) = notifications.preview_template(&cx, &key, parts.unwrap_or_default(), variables).await?;
    let (title, message) = (feed.title, feed.message);
    let preview = Preview { title, message, subject: mail.subject, text: mail.text, html: mail.html };
    Ok((Extension(NeverKept), Json(preview)))
}
