//! `GET /auth/sessions` and `DELETE /auth/sessions/{id}`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::SessionId;
use serde::Serialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, ErrorBody, Message, Path};

use crate::sessions::Session;
use crate::{UserError, Users};

/// The open log-ins.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionList {
    /// Last used first, at most 100.
    sessions: Vec<Session>,
}

/// List the own log-ins
///
/// Empty beside the old services, whose tokens say nothing about themselves.
#[utoipa::path(
    get,
    path = "/auth/sessions",
    tag = "auth",
    operation_id = "list_sessions",
    responses(
        (status = 200, body = SessionList),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service, which has no log-ins", body = ErrorBody<'static>),
    )
)]
pub(super) async fn list_sessions(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
) -> Result<Json<SessionList>, ApiError> {
    Ok(Json(SessionList { sessions: users.list_sessions(&cx).await? }))
}

/// End one of the own log-ins
///
/// Its access token stops working with the next request.
#[utoipa::path(
    delete,
    path = "/auth/sessions/{id}",
    tag = "auth",
    operation_id = "revoke_session",
    params(("id" = uuid::Uuid, Path, description = "The log-in's id")),
    responses(
        (status = 200, body = Message),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
        (status = 403, description = "A service, which has no log-ins", body = ErrorBody<'static>),
        (status = 404, description = "The caller has no such log-in", body = ErrorBody<'static>),
    )
)]
pub(super) async fn revoke_session(
    State(users): State<Arc<Users>>,
    Auth(cx): Auth,
    Path(id): Path<String>,
) -> Result<Json<Message>, ApiError> {
    let id: SessionId = id.parse().map_err(|_| UserError::SessionNotFound)?;
    users.revoke_session(&cx, id).await?;
    Ok(Json(Message::new("Session revoked successfully")))
}
