//! One request: from the client to the side that answers it, and back.

mod answer;
pub(crate) mod body;
mod connection;
mod forward;
pub(crate) mod headers;
mod listen;
mod path;
mod patience;
mod stream;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::HeaderValue;
use hyper::body::{Body as _, Incoming};
use hyper::{Method, Request, Response};

pub use self::listen::{Bound, bind};

use self::body::ResponseBody;
use self::path::Refusal;
use crate::counters::{Class, template};
use crate::decide::{self, decide};
use crate::gateway::Gateway;
use crate::live::Live;
use crate::routes::Protocol;
use crate::shadow::{Capture, Question, Shadow};
use crate::worker::Worker;

/// Answers one request.
pub(crate) async fn serve(worker: &Worker, peer: SocketAddr, request: Request<Incoming>) -> Response<ResponseBody> {
    let gateway = &*worker.gateway;
    let began = Instant::now();
    let request_id = headers::request_id(request.headers(), &worker.rng);
    if request.method() == Method::CONNECT {
        return answer::refused(Refused::Method, &request_id);
    }
    match path::check(request.uri().path()) {
        Ok(()) => {}
        Err(Refusal::Dots) => return answer::refused(Refused::Path, &request_id),
        Err(Refusal::Internal) => return answer::refused(Refused::NoRoute, &request_id),
    }
    let forwarded = request.headers().get_all("x-forwarded-for");
    let client = gateway.trusted_proxies.client(peer.ip(), forwarded.iter().map(HeaderValue::as_bytes));
    let is_https = gateway.trusted_proxies.contains(peer.ip())
        && request
            .headers()
            .get("x-forwarded-proto")
            .is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"));
    let identity = worker.known.as_ref().and_then(|known| {
        let authorization = request.headers().get(http::header::AUTHORIZATION)?.to_str().ok()?;
        known.identity(authorization, gateway.clock.now())
    });
    let live = gateway.live();
    let question = decide::Request {
        path: request.uri().path(),
        headers: request.headers(),
        identity: identity.as_deref(),
        client,
    };
    let Some(target) = decide(&live.table, &question) else {
        return answer::refused(Refused::NoRoute, &request_id);
    };
    let (Some(upstream), Some(counters)) = (live.upstream(target.route, target.side), live.counters(target.route))
    else {
        return answer::refused(Refused::NoRoute, &request_id);
    };
    // Without the prefix that is cut from it, it may be another one.
    if path::check(upstream.group.path(request.uri().path())).is_err() {
        return answer::refused(Refused::NoRoute, &request_id);
    }
    let class = Class::of(request.method(), request.headers());
    let from = headers::From { client, is_https, request_id: &request_id, identity: identity.as_deref() };
    let job = forward::Job {
        worker: worker.number,
        upstream,
        side: target.side,
        timeout: target.route.timeout,
        counted: (Arc::clone(counters), target.side, class),
        began,
    };
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let capture = shadowed(gateway, &live, &target, class, &request, &from);
    let open = counters.begin(target.side, class, began);
    match forward::forward(&job, request, &from).await {
        Ok(mut response) => {
            open.answered(&method, uri.path(), response.status());
            if let Some(capture) = capture.and_then(|capture| capture.head(&response)) {
                response.body_mut().copy_to(capture);
            }
            response
        }
        Err(failed) => {
            open.lost(&method, uri.path());
            let (side, family) = (target.side.name(), &*target.route.family);
            let request_id = request_id.to_str().unwrap_or_default().to_owned();
            tracing::warn!(request_id, side, family, cause = %failed, "no answer from a service");
            let mut response = answer::refused(failed.into(), from.request_id);
            response.headers_mut().insert(headers::SIDE, http::HeaderValue::from_static(side));
            response
        }
    }
}

/// Whether the shadow takes this read, and what it needs to ask it again.
fn shadowed(
    gateway: &Gateway,
    live: &Live,
    target: &decide::Target<'_>,
    class: Class,
    request: &Request<Incoming>,
    from: &headers::From<'_>,
) -> Option<Box<Capture>> {
    if !gateway.shadow.takes(class, || u32::from_be_bytes(gateway.rng.bytes())) {
        return None;
    }
    let (legacy, platform) = live.both(target.route)?;
    if [legacy, platform].iter().any(|upstream| upstream.group.protocol() != Protocol::Http1) {
        return None; // what is spoken there is no JSON
    }
    if !Shadow::may_take(request.method(), request.headers()) || !request.body().is_end_stream() {
        return None;
    }
    gateway.shadow.capture(Question {
        family: target.route.family.clone(),
        weight: live.table.family(&target.route.family)?.weight.clone(),
        counters: Arc::clone(live.counters(target.route)?),
        endpoint: format!("{} {}", request.method(), template(request.uri().path())),
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
        client: from.client,
        is_https: from.is_https,
        request_id: from.request_id.clone(),
        identity: from.identity.cloned(),
        primary: target.side,
        legacy: Arc::clone(legacy),
        platform: Arc::clone(platform),
    })
}

/// Why the gateway itself answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No route has the path.
    NoRoute,
    /// The path is not plain.
    Path,
    /// The method is not for a gateway.
    Method,
    /// No instance could be reached.
    Unreachable,
    /// The service broke off before it answered.
    NoAnswer,
    /// The service took too long.
    TooLong,
}
