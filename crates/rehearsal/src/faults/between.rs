//! What stands between gateway and new side and breaks answers when it is told to.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::Kind;

/// Nobody's.
const ANOTHER_TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// Runs until dropped.
pub(super) struct Between {
    /// What the gateway asks.
    pub(super) address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    target: Mutex<Option<SocketAddr>>,
    fault: Mutex<Option<Kind>>,
    /// Clients' requests, without those of checks and the shadow, since the fault began.
    touched: AtomicU64,
    /// All answers since then, for faults that come with every so many.
    answers: AtomicU64,
    /// When the last request of a client came.
    last: Mutex<Option<Instant>>,
    /// What each read was answered last, until reads go stale.
    known: Mutex<HashMap<String, Bytes>>,
}

impl Drop for Between {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Between {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            target: Mutex::default(),
            fault: Mutex::default(),
            touched: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            last: Mutex::default(),
            known: Mutex::default(),
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&state)));
        Ok(Self { address, state, task })
    }

    /// Where the new side is.
    pub(super) fn to(&self, target: SocketAddr) {
        *lock(&self.state.target) = Some(target);
    }

    /// Breaks answers from now on, or no more.
    pub(super) fn fail(&self, fault: Option<Kind>) {
        self.state.touched.store(0, Ordering::SeqCst);
        self.state.answers.store(0, Ordering::SeqCst);
        *lock(&self.state.fault) = fault;
    }

    /// Clients' requests since the fault began.
    pub(super) fn touched(&self) -> u64 {
        self.state.touched.load(Ordering::SeqCst)
    }

    /// When the last of them came.
    pub(super) fn last(&self) -> Option<Instant> {
        *lock(&self.state.last)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        // One connection there for each one here, so that what breaks there breaks here.
        let there = Arc::new(tokio::sync::Mutex::new(None));
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let (state, there) = (Arc::clone(&state), Arc::clone(&there));
                async move { answer(&state, &there, request).await }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type There = tokio::sync::Mutex<Option<SendRequest<Full<Bytes>>>>;

/// Passes a request on, and the answer back as the fault has it. An error closes the connection.
async fn answer(state: &State, there: &There, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let is_check = request.uri().path() == "/ready";
    let is_shadow = request.headers().contains_key("x-gateway-shadow");
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let read = (method == Method::GET).then(|| {
        let whose = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        format!("{} {}", request.uri(), String::from_utf8_lossy(&whose))
    });
    let fault = lock(&state.fault).filter(|_| !is_check);
    if !is_check && !is_shadow {
        *lock(&state.last) = Some(Instant::now());
    }
    let nth = if is_check { 0 } else { state.answers.fetch_add(1, Ordering::SeqCst) };
    if fault.is_some_and(|fault| is_broken(fault, nth, &path)) {
        touched(state, is_shadow);
        return Ok(error());
    }
    let late = match fault {
        Some(Kind::Slow) => Duration::from_millis(200),
        Some(Kind::Leak) => Duration::from_millis(4 * nth),
        _ => Duration::ZERO,
    };
    if !late.is_zero() {
        touched(state, is_shadow);
        tokio::time::sleep(late).await;
    }
    let (mut parts, body) = passed_on(state, there, request).await?.into_parts();
    let mut body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    if let Some(read) = read.filter(|_| parts.status == StatusCode::OK && !is_check) {
        let wrong = match fault {
            Some(Kind::Stale) => Some(lock(&state.known).entry(read).or_insert_with(|| body.clone()).clone()),
            Some(Kind::WrongBody) => changed(&body, "name", &Value::Null),
            Some(Kind::WrongTenant) => changed(&body, "tenant_id", &json!(ANOTHER_TENANT)),
            _ => {
                lock(&state.known).insert(read, body.clone());
                None
            }
        };
        if let Some(wrong) = wrong.filter(|wrong| *wrong != body) {
            touched(state, is_shadow);
            body = wrong;
            parts.headers.remove(CONTENT_LENGTH);
        }
    }
    Ok(Response::from_parts(parts, Full::from(body)))
}

fn touched(state: &State, is_shadow: bool) {
    if !is_shadow {
        state.touched.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether this answer is an error, whatever the new side would say.
fn is_broken(fault: Kind, nth: u64, path: &str) -> bool {
    match fault {
        Kind::AllErrors => true,
        Kind::SomeErrors => nth.is_multiple_of(20),
        Kind::FewErrors => nth.is_multiple_of(100),
        Kind::OneEndpoint => path.ends_with("/members"),
        _ => false,
    }
}

fn error() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(r#"{"error":"broken on purpose"}"#));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

/// The body with another value in every field of this name; nothing if it has none, or is no JSON.
fn changed(body: &Bytes, field: &str, to: &Value) -> Option<Bytes> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    replace(&mut value, field, to).then(|| Bytes::from(value.to_string()))
}

fn replace(value: &mut Value, field: &str, to: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.iter_mut().fold(false, |any, (name, value)| {
            if name == field && value.is_string() {
                *value = to.clone();
                return true;
            }
            replace(value, field, to) || any
        }),
        Value::Array(items) => items.iter_mut().filter_map(|item| replace(item, field, to).then_some(())).count() > 0,
        _ => false,
    }
}

async fn passed_on(state: &State, there: &There, request: Request<Incoming>) -> io::Result<Response<Incoming>> {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    parts.headers.remove(http::header::TRANSFER_ENCODING);
    let mut sender = there.lock().await;
    let usable = match sender.as_mut() {
        Some(sender) => sender.ready().await.is_ok(),
        None => false,
    };
    if !usable {
        let Some(target) = *lock(&state.target) else { return Err(io::ErrorKind::NotConnected.into()) };
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let (made, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(async move {
            let _ = connection.await;
        });
        *sender = Some(made);
    }
    let Some(sender) = sender.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
    sender.send_request(Request::from_parts(parts, Full::from(body))).await.map_err(io::Error::other)
}
