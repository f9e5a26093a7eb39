//! The one error envelope (T-08): `error` is always a string, the one old clients match on; `code` is what new
//! clients branch on. What went wrong inside is logged once by the request middleware and never shown.

use std::borrow::Cow;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

/// What kind of refusal this is; old dashboards branch on `UNAUTHORIZED`, `FORBIDDEN` and
/// `RATE_LIMITED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// 400: the input breaks a rule.
    ValidationError,
    /// 401: no valid credentials.
    Unauthorized,
    /// 403: valid credentials, not enough.
    Forbidden,
    /// 403: a plan's or tenant's limit is reached.
    QuotaExceeded,
    /// 404: not there, or not for the caller to know.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 409: it contradicts what is stored.
    Conflict,
    /// 412: the object changed since it was read.
    PreconditionFailed,
    /// 413: the body is larger than 4 MB.
    PayloadTooLarge,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 422: the `Idempotency-Key` came with another request before.
    KeyReused,
    /// 429: too many requests.
    RateLimited,
    /// 500: a defect.
    InternalError,
    /// 503: something needed is away; `Retry-After` says when to come back.
    ServiceUnavailable,
}

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::ValidationError => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden | Self::QuotaExceeded => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// One field of the input and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field's name as the client sends it.
    pub field: Cow<'static, str>,
    /// What is wrong and what would be right.
    pub message: Cow<'static, str>,
}

/// A refusal on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: Code,
    error: Cow<'static, str>,
    message: Option<Cow<'static, str>>,
    details: Vec<FieldError>,
    retry_after: Option<u32>,
    cause: Option<Arc<str>>,
}

/// The body of every answer that is not a success.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody<'a> {
    /// The short text old clients know.
    error: &'a str,
    /// The same or a longer explanation with the remedy.
    message: &'a str,
    /// What to branch on.
    code: Code,
    /// The fields concerned, when there are any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    details: &'a [FieldError],
    /// Name this when asking for help: the log lines carry it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// An error with the text old clients know.
    pub fn new(code: Code, error: impl Into<Cow<'static, str>>) -> Self {
        Self { code, error: error.into(), message: None, details: Vec::new(), retry_after: None, cause: None }
    }

    /// 400
    pub fn bad_request(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::ValidationError, error)
    }

    /// 400 for a body that cannot be read at all.
    pub fn invalid_body() -> Self {
        Self::bad_request("Invalid request body")
    }

    /// 401
    pub fn unauthorized(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Unauthorized, error)
    }

    /// 403
    pub fn forbidden(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Forbidden, error)
    }

    /// 404
    pub fn not_found(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::NotFound, error)
    }

    /// 409
    pub fn conflict(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::Conflict, error)
    }

    /// 503 with `Retry-After`.
    pub fn unavailable(error: impl Into<Cow<'static, str>>, retry_after: u32) -> Self {
        Self::new(Code::ServiceUnavailable, error).retry_after(retry_after)
    }

    /// 429 with `Retry-After`.
    pub fn rate_limited(retry_after: u32) -> Self {
        Self::new(Code::RateLimited, "Rate limit exceeded").retry_after(retry_after)
    }

    /// 500; `cause` goes to the log only.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(Code::InternalError, "Internal server error").caused_by(cause)
    }

    /// The longer explanation.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Names a field of the input.
    #[must_use]
    pub fn field(mut self, field: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        self.details.push(FieldError { field: field.into(), message: message.into() });
        self
    }

    /// When to come back, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What really happened, for the log only.
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// The status it is answered with.
    pub const fn status(&self) -> StatusCode {
        self.code.status()
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn render(&self, request_id: Option<&str>) -> Vec<u8> {
        let body = ErrorBody {
            error: &self.error,
            message: self.message.as_ref().unwrap_or(&self.error),
            code: self.code,
            details: &self.details,
            request_id,
        };
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.render(None)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        // The request middleware adds the request id and logs the cause.
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl From<db::Error> for ApiError {
    fn from(error: db::Error) -> Self {
        match &error {
            db::Error::Unavailable(_) | db::Error::Timeout(_) | db::Error::Retry => {
                Self::unavailable("Service temporarily unavailable", 1).caused_by(error)
            }
            db::Error::Changed => Self::new(Code::PreconditionFailed, "Precondition failed").message(
                "The object changed since it was read; read it again, and repeat the change on what it is now",
            ),
            db::Error::Unversioned => Self::new(Code::PreconditionFailed, "Precondition failed")
                .message("What this changes has no ETag to compare with; repeat the request without If-Match"),
            db::Error::ClaimLost => Self::conflict("Request in progress")
                .message("A later attempt with the same Idempotency-Key took over; repeat the request for its answer"),
            db::Error::Unique { .. } => Self::conflict("Conflict").caused_by(error),
            db::Error::Constraint { .. }
            | db::Error::Raised(_)
            | db::Error::RowCount { .. }
            | db::Error::Aborted
            | db::Error::NoTenant
            | db::Error::LeaseLost
            | db::Error::Other { .. } => Self::internal(error),
        }
    }
}
