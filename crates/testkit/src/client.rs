//! An HTTP client whose other end is a router in the same process: no socket, no port, no waiting.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// Sends requests to one router. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    router: Router,
    bearer: Option<Arc<str>>,
}

/// A request being put together.
#[must_use = "nothing is sent before it is awaited with `send`"]
pub struct Request {
    router: Router,
    builder: axum::http::request::Builder,
    body: Body,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The body as JSON; `Null` when it is none.
    pub body: Value,
}

impl Client {
    /// A client of `router`.
    pub const fn new(router: Router) -> Self {
        Self { router, bearer: None }
    }

    /// The same client, sending `token` with every request.
    #[must_use]
    pub fn with_bearer(&self, token: &str) -> Self {
        Self { router: self.router.clone(), bearer: Some(token.into()) }
    }

    /// Any request.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let mut builder = axum::http::Request::builder().method(method).uri(path).extension(ConnectInfo(peer));
        if let Some(token) = &self.bearer {
            builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Request { router: self.router.clone(), builder, body: Body::empty() }
    }

    /// GET
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// POST
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// PUT
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// PATCH
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// DELETE
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }
}

impl Request {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Adds a header whose value need not be text.
    pub fn header_bytes(mut self, name: &str, value: &[u8]) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Sends `body` as JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sends any body.
    pub fn body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        self.builder = self.builder.header(header::CONTENT_TYPE, content_type);
        self.body = body.into();
        self
    }

    /// Sends any body without saying what it is.
    pub fn untyped_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and leaves the body unread, which may have no end.
    pub async fn open(self) -> Response<Body> {
        let request = self.builder.body(self.body).expect("a well-formed request");
        self.router.oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let (parts, body) = self.open().await.into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, bytes, body }
    }
}

impl Answer {
    /// Fails with the whole answer unless the status is `status`.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// Fails unless it is the error envelope with this status, text and code (T-08).
    #[track_caller]
    pub fn expect_error(self, status: u16, error: &str, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.body["error"], error, "{}", answer.body);
        assert_eq!(answer.body["code"], code, "{}", answer.body);
        assert!(answer.body["message"].is_string() && answer.body["request_id"].is_string(), "{}", answer.body);
        answer
    }

    /// A text field of the body.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        let value = self.body[field].as_str();
        value.unwrap_or_else(|| panic!("{field} is no text in {}", self.body)).to_owned()
    }
}
