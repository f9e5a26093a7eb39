//! `POST /notifications/bulk`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use web::{ApiError, Auth, Body, ErrorBody};

use super::create::{Text, person};
use crate::service::bulk_create::Audience;
use crate::{NotificationError, Notifications};

/// Something to tell many people. Without `workspace_id` and `user_ids`, everybody of the tenant.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct BulkCreateRequest {
    /// The members of this workspace.
    #[schema(value_type = Option<Uuid>)]
    workspace_id: Option<String>,
    /// These people; at most 1,000.
    #[schema(value_type = Option<Vec<Uuid>>)]
    user_ids: Option<Vec<String>>,
    #[serde(flatten)]
    text: Text,
}

/// What becomes of it.
#[derive(Serialize, ToSchema)]
pub(super) struct Announced {
    /// The announcement's id.
    id: Uuid,
    /// How many people there are to be told.
    recipients: usize,
}

impl BulkCreateRequest {
    fn audience(&self) -> Result<Audience, NotificationError> {
        match (&self.workspace_id, &self.user_ids) {
            (None, None) => Ok(Audience::Everybody),
            (Some(id), None) => id.parse().map(Audience::Workspace).map_err(|_| NotificationError::WorkspaceNotFound),
            (None, Some(ids)) if ids.len() > 1000 => {
                Err(NotificationError::invalid("user_ids", "must name at most 1000 people"))
            }
            (None, Some(ids)) => {
                let mut people = ids.iter().map(|id| person(id)).collect::<Result<Vec<_>, _>>()?;
                people.sort_unstable();
                people.dedup();
                Ok(Audience::People(people))
            }
            (Some(_), Some(_)) => Err(NotificationError::invalid("user_ids", "cannot be given beside workspace_id")),
        }
    }
}

/// Announce something
///
/// To everybody of the tenant, the members of a workspace, or some people; for admins and services. The answer does not
/// wait for the last of them.
#[utoipa::path(
    post,
    path = "/notifications/bulk",
    tag = "notifications",
    operation_id = "bulk_create_notifications",
    request_body = BulkCreateRequest,
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 202, body = Announced),
        (status = 400, description = "A field is missing or breaks a rule", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "The caller is no admin", body = ErrorBody<'static>),
        (status = 404, description = "No such workspace, or somebody who is not of the tenant", body = ErrorBody<'static>),
    )
)]
pub(super) async fn bulk_create_notifications(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Body(request): Body<BulkCreateRequest>,
) -> Result<(StatusCode, Json<Announced>), ApiError> {
    let audience = request.audience()?;
    let (id, recipients) = notifications.bulk_create(&cx, audience, request.text.into()).await?;
    Ok((StatusCode::ACCEPTED, Json(Announced { id, recipients })))
}
