//! `POST /notifications/system`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{ApiError, Auth, Body, ErrorBody};

use super::create::Text;
use crate::Notifications;

/// Something to tell everybody.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct CreateSystemRequest {
    #[serde(flatten)]
    text: Text,
}

/// What becomes of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Published {
    /// The announcement's id; its audit record has it too.
    id: Uuid,
}

/// Announce something to the people of all tenants
///
/// Super admins. Tenants are told one after another, and the answer does not wait for them; those that are suspended or
/// deleted by then are left out.
#[utoipa::path(
    post,
    path = "/notifications/system",
    tag = "notifications",
    operation_id = "create_system_notification",
    request_body = CreateSystemRequest,
    security(("bearer" = [])),
    responses(
        (status = 202, body = Published),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no super admin", body = ErrorBody<'static>),
    )
)]
pub(super) async fn create_system_notification(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<CreateSystemRequest>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let id = notifications.create_system(&cx, request.text.into()).await?;
    Ok((StatusCode::ACCEPTED, Json(Published { id })))
}
