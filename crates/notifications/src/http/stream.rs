//! `GET /notifications/stream`

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use utoipa::IntoParams;
use web::{ApiError, Auth, ErrorBody, Query};

use crate::{NotificationError, Notifications};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Tells nginx not to collect an answer before it passes it on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamQuery {
    /// The same as the header `Last-Event-ID`, which counts when both are given.
    #[param(value_type = Option<i64>, minimum = 0)]
    last_event_id: Option<String>,
}

/// Follow the own notifications
///
/// Server-sent events without end: `notification` with a notification's object and its number as `id`, `unread` with
/// `{"unread_count": n}` at first and at every change. With `Last-Event-ID`, everything after it comes first; without,
/// only what is new.
#[utoipa::path(
    get,
    path = "/notifications/stream",
    tag = "notifications",
    operation_id = "stream_notifications",
    params(
        StreamQuery,
        ("Last-Event-ID" = Option<i64>, Header, description = "The `id` of the last event that was received"),
    ),
    security(("bearer" = []), ("internal_key" = [])),
    responses(
        (status = 200, body = String, content_type = "text/event-stream"),
        (status = 400, description = "The last event's id is no whole number", body = ErrorBody<'static>),
        (status = 401, description = "No valid access token", body = ErrorBody<'static>),
    )
)]
pub(super) async fn stream_notifications(
    State(notifications): State<Arc<Notifications>>,
    Auth(cx): Auth,
    Query(query): Query<StreamQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let after = match headers.get(LAST_EVENT_ID) {
        Some(value) => number(value.to_str().unwrap_or("?"))?,
        None => number(query.last_event_id.as_deref().unwrap_or_default())?,
    };
    let events = notifications.open_stream(&cx, after).await?;
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store"), (ACCEL_BUFFERING, "no")];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Clients that have received nothing yet send nothing, or an empty text.
fn number(text: &str) -> Result<Option<i64>, NotificationError> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number >= 0);
    number.map(Some).ok_or(NotificationError::invalid_query("last_event_id", "must be a whole number from 0 on"))
}
