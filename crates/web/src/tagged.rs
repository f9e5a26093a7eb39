//! Entity tags, so that nobody overwrites what they have not seen: single objects are answered with an `ETag`, and a
//! PUT, PATCH or DELETE that sends it back as `If-Match` is refused with 412 when the object has changed since. Both
//! are a client's to use or leave.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, Method};
use kernel::{Conditions, Ctx, IfMatch, Version, Versioned};
use serde::Serialize;

use crate::ApiError;

/// An answer with the version of the object it is about.
pub struct Tagged<T> {
    version: Version,
    body: T,
}

impl<T> Tagged<T> {
    /// An object, answered as it is.
    pub fn new(object: T) -> Self
    where
        T: Versioned,
    {
        Self { version: Version::of(&object), body: object }
    }

    /// Something told of an object in another shape than its own.
    pub const fn of(version: Version, body: T) -> Self {
        Self { version, body }
    }

    /// The same object in another shape.
    pub fn map<U>(self, shape: impl FnOnce(T) -> U) -> Tagged<U> {
        Tagged { version: self.version, body: shape(self.body) }
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = axum::Json(self.body).into_response();
        if response.headers().get(CONTENT_TYPE).is_some()
            && let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version))
        {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// Puts `If-Match` into the context of requests that change an object.
pub async fn conditional(mut request: Request, next: Next) -> Response {
    let changes = matches!(*request.method(), Method::PUT | Method::PATCH | Method::DELETE);
    if changes && request.headers().contains_key(IF_MATCH) {
        let Some(if_match) = demanded(request.headers()) else {
            return ApiError::bad_request("Invalid request headers")
                .field("if-match", "must be * or a list of quoted entity tags, as an ETag header shows them")
                .into_response();
        };
        if let Some(cx) = request.extensions_mut().get_mut::<Ctx>() {
            *cx = cx.with_conditions(Arc::new(Conditions::if_match(if_match)));
        }
    }
    next.run(request).await
}

fn demanded(headers: &HeaderMap) -> Option<IfMatch> {
    let lines: Result<Vec<&str>, _> = headers.get_all(IF_MATCH).iter().map(HeaderValue::to_str).collect();
    IfMatch::parse(&lines.ok()?.join(", "))
}
