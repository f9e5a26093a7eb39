//! The admin port: the page for people, metrics for Prometheus, and the orders of the control socket over HTTP.
//!
//! - Off unless asked for. Only the files of the page and `GET /healthz` are answered without the token.
//! - The token travels in the `Authorization` header only, which no other page can make a browser send. There are no
//!   cookies, and nothing secret is in a URL.
//! - Orders are those of [`control::socket`](crate::control::socket): one code answers both.
//!
//! Deliberately absent: TLS, which ends at the proxy in front, and people: whoever has the token may do everything, and
//! says who they are with each order.

mod attempts;
mod events;
mod page;
mod token;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use self::attempts::Attempts;
pub use self::token::Token;
use crate::control::socket;
use crate::gateway::Gateway;

/// Connections at once. People and one Prometheus need a few.
const MOST: usize = 64;
/// For a request's head, and between two requests of a connection.
const IDLE: Duration = Duration::from_secs(30);
/// Without a look of the gates for longer, the gateway is not well.
const SILENCE: u64 = 10;

pub(crate) type AdminBody = UnsyncBoxBody<Bytes, Infallible>;

/// The admin port of a gateway.
pub struct Admin {
    listener: TcpListener,
    inner: Arc<Inner>,
}

struct Inner {
    gateway: Arc<Gateway>,
    token: Token,
    attempts: Mutex<Attempts>,
}

impl Admin {
    /// Listens on `address`.
    pub async fn bind(address: SocketAddr, token: Token, gateway: Arc<Gateway>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, inner: Arc::new(Inner { gateway, token, attempts: Mutex::default() }) })
    }

    /// The address, with the port that was chosen if port 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until dropped.
    pub async fn serve(self) {
        let places = Arc::new(Semaphore::new(MOST));
        let mut connections = tokio::task::JoinSet::new();
        loop {
            // Closed never, so there is always a place some time.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let inner = Arc::clone(&self.inner);
                    connections.spawn(async move {
                        inner.connection(stream, peer.ip().to_canonical()).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept an admin connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }
}

impl Inner {
    async fn connection(self: Arc<Self>, stream: TcpStream, client: IpAddr) {
        let service = service_fn(|request| {
            let inner = Arc::clone(&self);
            async move {
                let mut response = inner.answer(request, client).await;
                page::protect(response.headers_mut());
                Ok::<_, Infallible>(response)
            }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "an admin connection failed");
        }
    }

    async fn answer(&self, request: Request<Incoming>, client: IpAddr) -> Response<AdminBody> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && let Some(file) = page::file(request.uri().path()) {
            return file.map(boxed);
        }
        if is_read && request.uri().path() == "/healthz" {
            return self.health().map(boxed);
        }
        if let Some(refusal) = self.refusal(request.headers(), client) {
            return refusal.map(boxed);
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/events") => events::stream(&self.gateway),
            (&Method::GET, "/metrics") => {
                let mut response = Response::new(Full::from(self.gateway.metrics()));
                let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
                response.headers_mut().insert(CONTENT_TYPE, text);
                response.map(boxed)
            }
            _ => socket::answer(&self.gateway, request).await.map(boxed),
        }
    }

    /// What somebody is told who may not ask; nothing for whoever has the token.
    fn refusal(&self, headers: &HeaderMap, client: IpAddr) -> Option<Response<Full<Bytes>>> {
        // Browsers say where a request comes from; others cannot be made to send one by somebody else's page.
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return Some(socket::refused(StatusCode::FORBIDDEN, "another site's page may not ask here"));
        }
        let now = Instant::now();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(wait) = attempts.may_try(client, now) {
            let why = format!("too many requests without the right token: try again in {} s", wait.as_secs() + 1);
            let mut response = socket::refused(StatusCode::TOO_MANY_REQUESTS, &why);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            return Some(response);
        }
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if sent.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(|sent| self.token.is(sent)) {
            return None;
        }
        attempts.failed(client, now);
        drop(attempts);
        tracing::warn!(%client, "a request to the admin port had no valid token");
        let why = "send the token of --admin-token-file, as in Authorization: Bearer TOKEN";
        let mut response = socket::refused(StatusCode::UNAUTHORIZED, why);
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Some(response)
    }

    fn health(&self) -> Response<Full<Bytes>> {
        match self.gateway.gates_report() {
            Some(report) if report.seconds_ago <= SILENCE => socket::written(StatusCode::OK, &json!({"status": "ok"})),
            Some(report) => {
                let why = format!("nothing was measured for {} s: the machine is too busy", report.seconds_ago);
                socket::refused(StatusCode::SERVICE_UNAVAILABLE, &why)
            }
            None => socket::refused(StatusCode::SERVICE_UNAVAILABLE, "nothing was measured yet: ask again in a second"),
        }
    }
}

fn boxed(body: Full<Bytes>) -> AdminBody {
    body.boxed_unsync()
}
