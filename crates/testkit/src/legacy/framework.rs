//! What clients could observe of the old web framework (contract 1.0.1): routing, bodies, errors.
//!
//! Deliberately absent: XML and multipart bodies, which no client sends, and the escaping of `<`, `>` and `&`, which
//! means the same.

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tower::util::MapRequest;

use super::fault::Fault;

/// The largest body a service took.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// What is answered when it is not known what went wrong.
pub(super) const INTERNAL: &str = "Internal Server Error";

/// An answer that says no.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: &'static str,
    details: Option<String>,
    style: Style,
}

pub(super) type Reply = Result<Response, Refusal>;

/// `{"error": text}` with a status.
pub(super) const fn refusal(status: StatusCode, error: &'static str) -> Refusal {
    Refusal { status, error, details: None, style: Style::Text }
}

/// The same for what went wrong inside, whose cause nobody hears of.
pub(super) fn failed(error: &'static str) -> impl FnOnce(Fault) -> Refusal {
    move |_| refusal(StatusCode::INTERNAL_SERVER_ERROR, error)
}

impl Refusal {
    /// The same in the scaffold's words.
    pub(super) const fn flagged(mut self) -> Self {
        self.style = Style::Flag;
        self
    }

    pub(super) fn with_details(mut self, details: String) -> Self {
        self.details = Some(details);
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.details {
            Some(details) => (self.status, Json(json!({ "error": self.error, "details": details }))).into_response(),
            None => self.style.refuse(self.status, self.error),
        }
    }
}

/// An answer with a JSON body.
#[expect(clippy::unnecessary_wraps, reason = "the last line of every handler")]
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Reply {
    Ok((status, Json(body)).into_response())
}

/// How an error body looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    /// `{"error": "..."}`: auth-service, and all handlers
    Text,
    /// `{"error": true, "message": "..."}`: the scaffold that the others were made from, before a handler is reached
    Flag,
}

impl Style {
    pub(super) fn refuse(self, status: StatusCode, text: &str) -> Response {
        let body = match self {
            Self::Text => json!({ "error": text }),
            Self::Flag => json!({ "error": true, "message": text }),
        };
        (status, Json(body)).into_response()
    }
}

/// A service as the framework served it: words of paths in any case, a slash at the end ignored, HEAD for GET, JSON
/// errors for routes that do not exist.
pub(super) fn serve(routes: Router, words: &'static [&'static str], style: Style) -> Router {
    let missing = move |method: Method, uri: Uri| async move {
        style.refuse(StatusCode::NOT_FOUND, &format!("Cannot {method} {}", uri.path()))
    };
    let wrong = move || async move { style.refuse(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed") };
    let routes = routes.fallback(missing).method_not_allowed_fallback(wrong);
    let normalised = MapRequest::new(routes, move |mut request: Request| {
        if let Some(uri) = normalise(request.uri(), words) {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(normalised)
}

fn normalise(uri: &Uri, words: &[&str]) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(uri.path());
    let lower = |part: &str| match words.iter().find(|word| part.eq_ignore_ascii_case(word)) {
        Some(word) => (*word).to_owned(),
        None => part.to_owned(),
    };
    let path = path.split('/').map(lower).collect::<Vec<_>>().join("/");
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    whole.parse().ok()
}

/// A body and what it is said to be.
pub(super) struct Body {
    kind: String,
    bytes: Vec<u8>,
}

/// A body that cannot be read; what is answered is the handler's.
#[derive(Debug)]
pub(super) struct Unreadable;

impl<S: Sync> FromRequest<S> for Body {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let kind = header(request.headers(), header::CONTENT_TYPE.as_str()).to_ascii_lowercase();
        match to_bytes(request.into_body(), BODY_LIMIT).await {
            Ok(bytes) => Ok(Self { kind, bytes: bytes.into() }),
            Err(_) => Err(Style::Text.refuse(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large")),
        }
    }
}

impl Body {
    /// The fields of a JSON object or a form.
    pub(super) fn fields(&self) -> Result<Fields, Unreadable> {
        if self.kind.starts_with("application/json") {
            match self.json()? {
                Value::Object(fields) => Ok(Fields::new(fields)),
                Value::Null => Ok(Fields(Map::new())),
                _ => Err(Unreadable),
            }
        } else if self.kind.starts_with("application/x-www-form-urlencoded") && !self.bytes.is_empty() {
            let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&self.bytes).map_err(|_| Unreadable)?;
            Ok(Fields::new(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect()))
        } else {
            Err(Unreadable)
        }
    }

    /// Any JSON value.
    pub(super) fn json(&self) -> Result<Value, Unreadable> {
        if !self.kind.starts_with("application/json") {
            return Err(Unreadable);
        }
        serde_json::from_slice(&self.bytes).map_err(|_| Unreadable)
    }
}

/// Fields by their names in lower case; `null` is the same as absent (T-04).
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        let present = fields.into_iter().filter(|(_, value)| !value.is_null());
        Self(present.map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
    }

    /// A text, or nothing when it is absent.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Unreadable> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Unreadable),
        }
    }

    /// A text, empty when it is absent.
    pub(super) fn plain(&self, name: &str) -> Result<String, Unreadable> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Unreadable> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) => word(text).map(Some).ok_or(Unreadable),
            Some(_) => Err(Unreadable),
        }
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Value>, Unreadable> {
        match self.0.get(name) {
            None => Ok(None),
            Some(object @ Value::Object(_)) => Ok(Some(object.clone())),
            Some(_) => Err(Unreadable),
        }
    }
}

/// The words the old language reads as truth values.
pub(super) fn word(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A header as text, empty when it is absent.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The parameters of a query; the last of a name counts.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn of(uri: &Uri) -> Self {
        Self(serde_urlencoded::from_str(uri.query().unwrap_or_default()).unwrap_or_default())
    }

    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}
