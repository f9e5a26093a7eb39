//! A gateway, services behind it and clients in front of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Redacted, Rng, SystemClock, TrustedProxies};
use pyairtable_gateway::control::socket;
use pyairtable_gateway::routes::parse;
use pyairtable_gateway::{Gateway, Parts, bind};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Longer than anything here takes, so that a test that hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        buffer.iter_mut().zip(n.iter().cycle()).for_each(|(byte, n)| *byte = *n);
    }
}

/// A gateway that runs until dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) socket: PathBuf,
    _stop: watch::Sender<bool>,
    directory: Option<tempfile::TempDir>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Running {
    pub(crate) fn start(routes: &str) -> Self {
        Self::start_behind("", routes)
    }

    pub(crate) fn start_behind(fronts: &str, routes: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_in(directory, fronts, routes)
    }

    /// The same where another one was before.
    pub(crate) fn start_in(directory: tempfile::TempDir, fronts: &str, routes: &str) -> Self {
        let gateway = Gateway::new(Parts {
            kept: Some(directory.path().join("kept.json")),
            table: parse(routes).unwrap(),
            jwt_secret: Some(Redacted::new(SECRET.to_owned())),
            trusted_proxies: fronts.parse::<TrustedProxies>().unwrap(),
            clock: Arc::new(SystemClock),
            rng: Arc::new(Counting(AtomicU64::new(0))),
        })
        .unwrap();
        let bound = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = bound.local_addr().unwrap();
        let socket = directory.path().join("control.sock");
        let control = socket::bind(&socket).unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = bound.serve(Arc::clone(&gateway), stopped);
        let serve = async { serving.await.unwrap() };
        let tasks = vec![
            tokio::spawn(serve),
            tokio::spawn(socket::serve(control, Arc::clone(&gateway))),
            tokio::spawn(Arc::clone(&gateway).look_after()),
            tokio::spawn(Arc::clone(&gateway).watch_leases()),
            tokio::spawn(Arc::clone(&gateway).measure()),
        ];
        Self { address, gateway, socket, _stop: stop, directory: Some(directory), tasks }
    }

    /// Ends it at once; its directory is left to the next one.
    pub(crate) async fn kill(mut self) -> tempfile::TempDir {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            assert!(task.await.is_err(), "it ran until now");
        }
        self.directory.take().unwrap()
    }

    /// Says something on the control socket.
    pub(crate) async fn control(&self, command: &str, body: Value) -> (StatusCode, Value) {
        let mut body = body;
        body["who"] = json!("ada");
        body["why"] = json!("a test");
        self.control_raw("POST", command, &body.to_string()).await
    }

    pub(crate) async fn set(&self, share: &str) {
        let (status, answer) = self.control("/set", json!({"family": "all", "share": share})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    pub(crate) async fn control_raw(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let stream = UnixStream::connect(&self.socket).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", "gateway");
        let response = sender.send_request(request.body(Full::<Bytes>::from(body.to_owned())).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn gates(&self) -> Value {
        self.control_raw("GET", "/gates", "").await.1
    }

    pub(crate) async fn shadow(&self) -> Value {
        self.control_raw("GET", "/shadow", "").await.1
    }

    pub(crate) async fn status(&self) -> Value {
        self.control_raw("GET", "/status", "").await.1
    }
}

/// A service that says who it is and what it got, until dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Service {
    pub(crate) async fn start(name: &'static str) -> Self {
        Self::start_on(&testkit::port::free().to_string(), name).await
    }

    pub(crate) async fn start_on(address: &str, name: &'static str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            // Dropped with the service, as its connections would be if its process ended.
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                connections.spawn(async move {
                    let service = hyper::service::service_fn(move |request| describe(name, request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A service of a few lines, which gets each connection with the head of its first request read.
pub(crate) async fn raw<F>(answer: impl Fn(TcpStream, String) -> F + Send + 'static) -> (String, JoinHandle<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let head = read_head(&mut stream).await;
            if head.starts_with("GET /health ") {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            } else {
                tokio::spawn(answer(stream, head));
            }
        }
    });
    (url, task)
}

/// Reads up to the empty line after a head.
pub(crate) async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match timeout(PATIENCE, stream.read_u8()).await.expect("a head in time") {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

async fn describe(name: &'static str, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let status = match parts.uri.path().rsplit('/').next() {
        Some("fail") => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    };
    let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
    let headers: BTreeMap<_, _> =
        parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let text = json!({"service": name, "path": parts.uri.to_string(), "length": length, "headers": headers});
    let mut response = Response::new(Full::from(text.to_string()));
    *response.status_mut() = status;
    // As the old gateway told clients.
    response.headers_mut().insert("x-user-id", "leaked".parse().unwrap());
    Ok(response)
}

/// A client with one connection that is kept.
pub(crate) struct Client {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn service(&self) -> &str {
        self.body["service"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "").await
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.try_send(method, path, headers, body).await.unwrap()
    }

    pub(crate) async fn try_send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, hyper::Error> {
        let mut request = Request::builder().method(method).uri(path).header("host", "api.example.com");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await?;
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let response = timeout(PATIENCE, self.sender.send_request(request)).await.expect("an answer in time")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// A token as services issue it.
pub(crate) fn token(user: &str, tenant: &str) -> String {
    let claims = json!({
        "user_id": user, "tenant_id": tenant, "email": "ada@example.com", "role": "member", "exp": 4_000_000_000_i64
    });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

/// Routes of one family with one instance on either side.
pub(crate) fn two_sides(legacy: &str, platform: &str) -> String {
    format!("- path: /api/v1/users/*\n  timeout: 2s\n  legacy: {legacy}\n  platform: {platform}\n")
}
