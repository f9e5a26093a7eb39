//! `POST /auth/logout`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use kernel::Redacted;
use serde::Deserialize;
use utoipa::ToSchema;
use web::{ApiError, Auth, Cx, ErrorBody, Message, OptionalBody};

use crate::Users;

/// The log-in to end; all of them when left out.
#[derive(Deserialize, ToSchema, Default)]
#[serde(default)]
pub(super) struct LogoutRequest {
    #[schema(value_type = Option<String>)]
    refresh_token: Option<Redacted<String>>,
}

/// Log out
///
/// With a refresh token in the body, ends the log-in it belongs to; with a bearer token and no body, ends all of the
/// person's log-ins. Always 200: what is unknown is logged out already (T-26).
#[utoipa::path(
    post,
    path = "/auth/logout",
    tag = "auth",
    operation_id = "logout",
    request_body = LogoutRequest,
    security((), ("bearer" = [])),
    responses(
        (status = 200, body = Message),
        (status = 400, description = "A body that cannot be read", body = ErrorBody<'static>),
    )
)]
pub(super) async fn logout(
    State(users): State<Arc<Users>>,
    Cx(cx): Cx,
    caller: Result<Auth, ApiError>,
    OptionalBody(request): OptionalBody<LogoutRequest>,
) -> Result<Json<Message>, ApiError> {
    let token = request.and_then(|request| request.refresh_token);
    if let Some(token) = token {
        users.logout(&cx, &token).await?;
        return Ok(Json(Message::new("Logged out successfully")));
    }
    match caller {
        Ok(Auth(cx)) => users.log_out_everywhere(&cx).await?,
        // It could not be told who asks, so nothing was ended.
        Err(error) if error.status().is_server_error() => return Err(error),
        Err(_) => {}
    }
    Ok(Json(Message::new("Logged out successfully")))
}
