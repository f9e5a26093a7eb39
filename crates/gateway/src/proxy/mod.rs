//! One request: from the client to the side that answers it, and back.

mod answer;
pub(crate) mod body;
mod connection;
mod forward;
mod headers;
mod listen;
mod path;
mod patience;
mod stream;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::{Method, Request, Response};

pub use self::listen::{Bound, bind};

use self::body::ResponseBody;
use self::path::Refusal;
use crate::counters::Class;
use crate::decide::{self, decide};
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
    let (client, is_https) = gateway.fronts.client(peer.ip(), request.headers());
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
    let class = Class::of(request.method());
    let from = headers::From { client, is_https, request_id: &request_id, identity: identity.as_deref() };
    let job = forward::Job {
        worker: worker.number,
        upstream,
        side: target.side,
        timeout: target.route.timeout,
        counted: (Arc::clone(counters), target.side, class),
        began,
    };
    match forward::forward(&job, request, &from).await {
        Ok(response) => {
            let failed = response.status().is_server_error();
            counters.answered(target.side, class, failed, began.elapsed());
            response
        }
        Err(failed) => {
            counters.answered(target.side, class, true, began.elapsed());
            let (side, family) = (target.side.name(), &*target.route.family);
            let request_id = request_id.to_str().unwrap_or_default().to_owned();
            tracing::warn!(request_id, side, family, cause = %failed, "no answer from a service");
            let mut response = answer::refused(failed.into(), from.request_id);
            response.headers_mut().insert(headers::SIDE, http::HeaderValue::from_static(side));
            response
        }
    }
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
