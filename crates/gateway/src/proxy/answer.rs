//! The gateway's own answers, in the old gateway's words.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use super::Refused;
use super::body::ResponseBody;
use super::headers::REQUEST_ID;

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    message: &'a str,
    request_id: &'a str,
}

pub(super) fn refused(why: Refused, request_id: &HeaderValue) -> Response<ResponseBody> {
    let (status, error, message) = match why {
        Refused::NoRoute => (StatusCode::NOT_FOUND, "Not found", "No service answers this path"),
        Refused::Path => (StatusCode::BAD_REQUEST, "Invalid path", "The path must not contain . or .. as a part"),
        Refused::Method => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", "This is no proxy to elsewhere"),
        Refused::Unreachable => {
            (StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable", "The service cannot be reached")
        }
        Refused::NoAnswer => (StatusCode::BAD_GATEWAY, "Upstream service error", "The service broke off"),
        Refused::TooLong => (StatusCode::GATEWAY_TIMEOUT, "Upstream service error", "The service took too long"),
    };
    let body = Body { error, message, request_id: request_id.to_str().unwrap_or_default() };
    let text = serde_json::to_vec(&body).unwrap_or_default();
    let mut response = Response::new(ResponseBody::Own(Some(text.into())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(REQUEST_ID, request_id.clone());
    response
}
