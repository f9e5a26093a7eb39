//! Sends a request to an instance, and to another one if that can do no harm.
//!
//! A request is sent again only when no byte of it was sent, or when it is idempotent, has no body, and the connection
//! was an old one that the service closed meanwhile. The first happens unnoticed with an old connection; everything else
//! is for idempotent requests only, and comes out of the budget.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version};
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout_at;

use super::body::{Progress, Relayed, RequestBody, ResponseBody};
use super::{Refused, headers, upgrade};
use crate::counters::{Class, Counters};
use crate::forced::Side;
use crate::routes::Protocol;
use crate::upstream::connection::Link;
use crate::upstream::health::Failure;
use crate::upstream::{Instance, Upstream};

/// Longer, and a client may as well try again.
const CONNECT: Duration = Duration::from_secs(1);
/// The first attempt and two more.
const ATTEMPTS: usize = 3;

/// What is to be done, apart from the request.
pub(super) struct Job<'a> {
    pub(super) worker: usize,
    pub(super) upstream: &'a Upstream,
    pub(super) side: Side,
    pub(super) timeout: Duration,
    pub(super) counted: (Arc<Counters>, Side, Class),
    pub(super) began: Instant,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    Connect(String, std::io::Error),
    NoAnswer(String, hyper::Error),
    TooLong(String),
    NoInstance,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(endpoint, error) => write!(f, "cannot connect to {endpoint}: {error}"),
            Self::NoAnswer(endpoint, error) => write!(f, "{endpoint} broke off: {error}"),
            Self::TooLong(endpoint) => write!(f, "{endpoint} took too long"),
            Self::NoInstance => write!(f, "no instance is left to try"),
        }
    }
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Connect(..) | Failed::NoInstance => Self::Unreachable,
            Failed::NoAnswer(..) => Self::NoAnswer,
            Failed::TooLong(_) => Self::TooLong,
        }
    }
}

/// Forwards `request`; the answer's head is back, its body follows.
pub(super) async fn forward(
    job: &Job<'_>,
    mut request: Request<Incoming>,
    from: &headers::From<'_>,
) -> Result<Response<ResponseBody>, Failed> {
    let spoken = job.upstream.group.protocol();
    let protocol = upgrade::protocol(request.headers()).filter(|_| spoken == Protocol::Http1);
    let client = protocol.is_some().then(|| hyper::upgrade::on(&mut request));
    let progress = Arc::new(Progress::new(job.began));
    let may_repeat = request.method().is_idempotent() && request.body().is_end_stream() && protocol.is_none();
    let is_idempotent = request.method().is_idempotent();
    let (mut parts, body) = request.into_parts();
    if let Some(host) = host(&parts.uri) {
        parts.headers.insert(HOST, host);
    }
    headers::to_service(&mut parts.headers, job.side, spoken, from, protocol);
    if let Some(uri) = service_uri(&parts.uri, job.upstream) {
        parts.uri = uri;
    }
    if spoken == Protocol::H2c {
        parts.uri = absolute(parts.uri, parts.headers.remove(HOST), job.upstream);
    }
    parts.version = spoken.version();
    parts.extensions.clear();
    let request = Request::from_parts(parts, RequestBody::new(body, Arc::clone(&progress)));

    let (mut response, mut link, instance) = send(job, request, &progress, is_idempotent, may_repeat).await?;
    if is_overloaded(response.status()) {
        failed(&instance, Failure::NoAnswer);
    } else {
        instance.health.answered();
    }
    let protocol = match (response.status(), client) {
        (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => {
            let protocol = upgrade::protocol(response.headers());
            if protocol.is_some() {
                upgrade::join(client, hyper::upgrade::on(&mut response));
            }
            protocol
        }
        _ => None,
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS || !progress.is_sent() {
        // It goes on without regard to how the answer is read.
        link.detach();
    }
    let (mut parts, body) = response.into_parts();
    headers::to_client(&mut parts.headers, job.side, from.request_id, protocol);
    parts.version = Version::HTTP_11;
    let relayed = Relayed::new(body, (link, instance, job.worker), progress, job.counted.clone());
    Ok(Response::from_parts(parts, ResponseBody::Relayed(Box::new(relayed))))
}

/// The host a request names on its first line, which counts before any header. In HTTP/2 there is often no other.
fn host(uri: &Uri) -> Option<HeaderValue> {
    uri.authority()?.as_str().rsplit('@').next()?.parse().ok()
}

/// The path of a request to `host`, with the host, as HTTP/2 has it.
fn absolute(uri: Uri, host: Option<HeaderValue>, upstream: &Upstream) -> Uri {
    let host = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = host.or_else(|| upstream.group.instances.first()?.authority().parse().ok());
    Uri::from_parts(parts).unwrap_or(uri)
}

/// What the service knows the path by, without scheme and host.
fn service_uri(uri: &Uri, upstream: &Upstream) -> Option<Uri> {
    let path = upstream.group.path(uri.path());
    if path == uri.path() && uri.authority().is_none() {
        return None;
    }
    match uri.query() {
        None => path.parse().ok(),
        Some(query) => format!("{path}?{query}").parse().ok(),
    }
}

/// Answers of a service, or of something in front of it, that cannot answer now.
fn is_overloaded(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn failed(instance: &Instance, failure: Failure) {
    if instance.health.failed(failure, Instant::now()) {
        tracing::warn!(endpoint = %instance.endpoint, "an instance is left out for a while");
    }
}

type Sent = (Response<Incoming>, Link, Arc<Instance>);

async fn send(
    job: &Job<'_>,
    mut request: Request<RequestBody>,
    progress: &Progress,
    is_idempotent: bool,
    may_repeat: bool,
) -> Result<Sent, Failed> {
    job.upstream.budget.deposit();
    let mut tried: Vec<Arc<Instance>> = Vec::new();
    loop {
        let instance = job.upstream.pick(&tried, Instant::now()).ok_or(Failed::NoInstance)?;
        let instance = Arc::clone(instance);
        let outcome = at_instance(job, &instance, request, progress, may_repeat).await;
        let (error, again) = match outcome {
            Ok((response, link)) => return Ok((response, link, instance)),
            Err(failure) => *failure,
        };
        failed(&instance, if matches!(error, Failed::Connect(..)) { Failure::Unreachable } else { Failure::NoAnswer });
        tried.push(instance);
        let another = tried.len() < ATTEMPTS && tried.len() < job.upstream.instances.len();
        match again {
            Some(unsent) if is_idempotent && another && job.upstream.budget.withdraw() => request = unsent,
            _ => return Err(error),
        }
    }
}

/// What failed, and the request if it can be sent again.
type Missed = Box<(Failed, Option<Request<RequestBody>>)>;

async fn at_instance(
    job: &Job<'_>,
    instance: &Instance,
    mut request: Request<RequestBody>,
    progress: &Progress,
    may_repeat: bool,
) -> Result<(Response<Incoming>, Link), Missed> {
    let endpoint = || instance.endpoint.to_string();
    let mut only_new = false;
    loop {
        let got = instance.connections.get(job.worker, &instance.endpoint, CONNECT, only_new).await;
        let (mut link, was_there) = match got {
            Ok(got) => got,
            Err(error) => return Err(Box::new((Failed::Connect(endpoint(), error), Some(request)))),
        };
        let copy = (was_there && may_repeat).then(|| head_of(&request));
        match answer(job, &mut link, request, progress).await {
            Ok(response) => return Ok((response, link)),
            Err(NotSent::Unsent(unsent)) if was_there => {
                request = unsent;
                only_new = matches!(link, Link::Shared(_));
            }
            Err(NotSent::Unsent(unsent)) => {
                let closed = std::io::ErrorKind::ConnectionAborted.into();
                return Err(Box::new((Failed::Connect(endpoint(), closed), Some(unsent))));
            }
            Err(NotSent::Broken(error)) => match copy {
                // It was closed while the request was on its way, which happens to old connections.
                Some(copy) if !error.is_timeout() && job.upstream.budget.withdraw() => {
                    request = copy;
                    only_new = true;
                }
                _ => return Err(Box::new((Failed::NoAnswer(endpoint(), error), None))),
            },
            Err(NotSent::TooLong) => return Err(Box::new((Failed::TooLong(endpoint()), None))),
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "the large one is given back at once, to be sent again")]
enum NotSent {
    /// No byte of it was sent.
    Unsent(Request<RequestBody>),
    Broken(hyper::Error),
    TooLong,
}

/// Sends the request and waits for the head of its answer, as long as the client still sends.
async fn answer(
    job: &Job<'_>,
    link: &mut Link,
    request: Request<RequestBody>,
    progress: &Progress,
) -> Result<Response<Incoming>, NotSent> {
    let mut sent = std::pin::pin!(link.send(request));
    let begun = Instant::now();
    loop {
        let deadline = progress.last().max(begun) + job.timeout;
        match timeout_at(deadline.into(), &mut sent).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(mut error)) => {
                return Err(match error.take_message() {
                    Some(unsent) => NotSent::Unsent(unsent),
                    None => NotSent::Broken(error.into_error()),
                });
            }
            Err(_) if progress.last().max(begun) + job.timeout > Instant::now() => {}
            Err(_) => return Err(NotSent::TooLong),
        }
    }
}

/// The same request once more; it has no body.
fn head_of(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut copy = Request::new(RequestBody::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = HeaderMap::clone(request.headers());
    copy
}
