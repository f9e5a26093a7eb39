//! The outermost middleware: request id, context, time limit, error envelope, security headers, one log line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, REFERRER_POLICY, USER_AGENT, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri};
use kernel::{Actor, Clock, Ctx, Origin, Redacted, Rng, TrustedProxies};
use tracing::{Instrument as _, Span, field};

use crate::auth::Authenticator;
use crate::paths::OriginalPath;
use crate::{ApiError, Code};

/// What every request needs and no slice owns. Cheap to clone.
#[derive(Clone)]
pub struct Env {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Says whose an access token is.
    pub authenticator: Arc<dyn Authenticator>,
    /// `INTERNAL_API_KEY`, when services may call with it.
    pub internal_key: Option<Redacted<String>>,
    /// Whose word about a client's address counts.
    pub trusted_proxies: TrustedProxies,
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");

/// Install with `axum::middleware::from_fn_with_state(env, observe)`, outside everything else.
pub async fn observe(State(env): State<Env>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let request_id = accepted(request.headers(), &REQUEST_ID).unwrap_or_else(|| generated(&*env.rng));
    let trace_id = accepted(request.headers(), &TRACE_ID);
    let span = tracing::info_span!(
        "request",
        request_id = &*request_id,
        trace_id = trace_id.as_deref(),
        method = %request.method(),
        path = request.uri().path(),
        actor_id = field::Empty,
        tenant_id = field::Empty,
    );
    let origin = Arc::new(Origin {
        ip: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| {
            let lines = request.headers().get_all("x-forwarded-for");
            env.trusted_proxies.client(peer.0.ip(), lines.iter().map(HeaderValue::as_bytes))
        }),
        user_agent: text(request.headers(), &USER_AGENT).map(|agent| agent.chars().take(512).collect()),
    });
    let cx = Ctx::new(Actor::Anonymous, Arc::clone(&request_id), origin, Arc::clone(&env.clock), Arc::clone(&env.rng));
    request.extensions_mut().insert(cx);
    request.extensions_mut().insert(env);

    async move {
        let mut response = next.run(request).await;
        let failure = response.extensions_mut().remove::<Arc<ApiError>>();
        if let Some(error) = &failure {
            let body = error.render(Some(&request_id));
            response.headers_mut().insert(CONTENT_LENGTH, body.len().into());
            *response.body_mut() = body.into();
        }
        finish_headers(response.headers_mut(), &request_id, trace_id.as_deref());
        log(&response, failure.as_deref(), began.elapsed());
        response
    }
    .instrument(span)
    .await
}

/// A handler takes no longer; longer than a body may take to arrive, so that a slow client is told so.
const TIME_LIMIT: Duration = Duration::from_secs(12);

/// Gives a request up that takes too long. Streams are not affected: their answer begins at once.
pub async fn time_limit(request: Request, next: Next) -> Response {
    tokio::time::timeout(TIME_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        ApiError::unavailable("Service temporarily unavailable", 1)
            .message("The request took too long and was given up")
            .into_response()
    })
}

/// Writes the actor on this request's log lines.
pub(crate) fn record_actor(cx: &Ctx) {
    let span = Span::current();
    if let Some(user) = cx.actor.user_id() {
        span.record("actor_id", field::display(user));
    }
    if let Some(tenant) = cx.tenant {
        span.record("tenant_id", field::display(tenant));
    }
}

fn log(response: &Response, failure: Option<&ApiError>, took: Duration) {
    let status = response.status().as_u16();
    let latency_ms = took.as_secs_f64() * 1000.0;
    let cause = failure.and_then(ApiError::cause);
    match response.status() {
        status_code if status_code.is_server_error() => {
            tracing::error!(status, latency_ms, cause, "request failed");
        }
        _ => tracing::info!(status, latency_ms, cause, "request"),
    }
}

fn finish_headers(headers: &mut HeaderMap, request_id: &str, trace_id: Option<&str>) {
    for (name, value) in [(REQUEST_ID, Some(request_id)), (TRACE_ID, trace_id)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // Answers carry personal data and tokens; whoever wants caching says so.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A client's id, when it is short and plain enough to be repeated in headers and logs (T-67).
fn accepted(headers: &HeaderMap, name: &HeaderName) -> Option<Arc<str>> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    text(headers, name).filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain)).map(Arc::from)
}

fn generated(rng: &dyn Rng) -> Arc<str> {
    use std::fmt::Write as _;
    let id = rng.bytes::<12>().iter().fold("req_".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    });
    id.into()
}

/// The answer for a path that is no route, in the words of the old services.
pub async fn unknown_route(request: Request) -> ApiError {
    ApiError::not_found(format!("Cannot {} {}", request.method(), sent_path(request.extensions(), request.uri())))
}

/// The path as the client sent it.
pub(crate) fn sent_path<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a str {
    extensions.get().map_or(uri.path(), |original: &OriginalPath| &original.0)
}

/// The answer for a method that a route does not have.
pub async fn unknown_method(request: Request) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, "Method Not Allowed")
        .message(format!("{} is not a method of this path; the Allow header lists them", request.method()))
}

/// The answer when a handler panicked. The panic itself was logged by the hook.
pub fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}
