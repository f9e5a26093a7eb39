//! Answers more than one endpoint gives.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use web::Message;

/// The answer to a deletion: 204 as the old service gave it; 200 with a body for clients that say they want JSON, which
/// parse one always (T-15).
pub(super) fn gone(headers: &HeaderMap, message: &'static str) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_json = accept
        .split(',')
        .any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"));
    if wants_json { Json(Message::new(message)).into_response() } else { StatusCode::NO_CONTENT.into_response() }
}
