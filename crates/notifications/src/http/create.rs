//! `POST /notifications`

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use kernel::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use web::{ApiError, Auth, Body, ErrorBody, Tagged};

use crate::model::NewDraft;
use crate::{Notification, NotificationError, Notifications};

/// Something to tell.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateNotificationRequest {
    /// Whom; the caller if left out. Somebody else takes an admin or a service.
    #[schema(value_type = Option<uuid::Uuid>)]
    user_id: Option<String>,
    #[serde(flatten)]
    text: Text,
}

/// What is told.
#[derive(Serialize, Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct Text {
    /// What it is about.
    #[serde(rename = "type")]
    #[schema(max_length = 100, example = "system_update")]
    kind: Option<String>,
    /// `info` (default), `success`, `warning` or `error`.
    level: Option<String>,
    #[schema(max_length = 500, example = "Maintenance on Sunday")]
    title: Option<String>,
    #[schema(max_length = 10_000, example = "From 02:00 to 02:10 UTC.")]
    message: Option<String>,
    /// Free-form; `{}` by default.
    #[schema(value_type = Option<Object>)]
    data: Option<Map<String, Value>>,
    /// When it is no longer shown, in the future; never if left out.
    #[schema(value_type = Option<jiff::Timestamp>)]
    expires_at: Option<String>,
}

impl From<Text> for NewDraft {
    fn from(text: Text) -> Self {
        Self {
            kind: text.kind.unwrap_or_default(),
            level: text.level,
            title: text.title.unwrap_or_default(),
            message: text.message.unwrap_or_default(),
            data: text.data,
            expires_at: text.expires_at,
        }
    }
}

/// Tell somebody something
///
/// Themselves; somebody else of the tenant, for admins and services.
#[utoipa::path(
    post,
    path = "/notifications",
    tag = "notifications",
    operation_id = "create_notification",
    request_body = CreateNotificationRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 201, body = Notification),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "Telling others takes an admin", body = ErrorBody<'static>),
        (status = 404, description = "Nobody of the tenant has this id", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_notification(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<CreateNotificationRequest>,
) -> Result<(StatusCode, Tagged<Notification>), ApiError> {
    let user = request.user_id.filter(|id| !id.is_empty()).map(|id| person(&id)).transpose()?;
    Ok((StatusCode::CREATED, Tagged::new(notifications.create(&cx, user, request.text.into()).await?)))
}

/// A person named in a body. What is no UUID names nobody (T-01).
pub(super) fn person(text: &str) -> Result<UserId, NotificationError> {
    text.parse().map_err(|_| NotificationError::PersonNotFound)
}
