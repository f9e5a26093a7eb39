//! HTTP/2 without TLS, from clients and to services.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Running, Service, raw, token, two_sides};

/// A client that begins with HTTP/2, as it knows that it is spoken.
async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://api.example.com{path}")).body(Full::default()).unwrap()
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> (StatusCode, serde_json::Value) {
    let response = timeout(PATIENCE, sender.send_request(request)).await.expect("in time").unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

/// A service that speaks HTTP/2 only. It answers with what it got: head in the body, body length and trailers in trailers.
struct Grpc {
    url: String,
    /// How many connections had requests, apart from the checks.
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Grpc {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Grpc {
    async fn start(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let counted = Arc::clone(&counted);
                open.spawn(async move {
                    let is_counted = AtomicBool::new(false);
                    let service = service_fn(move |request: Request<Incoming>| {
                        if request.uri().path() != "/health" && !is_counted.swap(true, Ordering::SeqCst) {
                            counted.fetch_add(1, Ordering::SeqCst);
                        }
                        async { Ok::<_, Infallible>(echo(request).await) }
                    });
                    let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { url, connections, task }
    }

    fn routes(&self) -> String {
        format!(
            "- path: /api/v1/users/*\n  timeout: 2s\n  upstream:\n    instances: ['{}']\n    protocol: h2c\n",
            self.url
        )
    }
}

async fn echo(
    request: Request<Incoming>,
) -> Response<StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap();
    let sent_trailers = body.trailers().cloned().unwrap_or_default();
    let show = |headers: &HeaderMap| -> serde_json::Value {
        headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let text = json!({
        "service": "grpc", "uri": parts.uri.to_string(), "length": body.to_bytes().len(),
        "headers": show(&parts.headers), "trailers": show(&sent_trailers),
    });
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-user-id", HeaderValue::from_static("leaked"));
    let frames = [Frame::data(Bytes::from(text.to_string())), Frame::trailers(trailers)];
    Response::new(StreamBody::new(futures_util::stream::iter(frames.map(Ok))))
}

#[tokio::test]
async fn client_with_prior_knowledge_gets_the_same_as_others_on_the_same_port() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut sender = connect(running.address).await;
    let mut request = get("/api/v1/users/1?a=b");
    let bearer: HeaderValue = format!("Bearer {}", token("u1", "t1")).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    request.headers_mut().insert("x-user-id", HeaderValue::from_static("admin"));
    request.headers_mut().insert("host", HeaderValue::from_static("other.example.com"));
    for cookie in ["a=1", "b=2"] {
        request.headers_mut().append("cookie", HeaderValue::from_static(cookie));
    }
    let (status, body) = answer(&mut sender, request).await;
    let seen = &body["headers"];
    assert_eq!(
        (status, body["service"].as_str(), body["path"].as_str()),
        (StatusCode::OK, Some("legacy"), Some("/api/v1/users/1?a=b"))
    );
    assert_eq!((seen["host"].as_str(), seen["x-user-id"].as_str()), (Some("api.example.com"), Some("u1")));
    assert_eq!(seen["cookie"], "a=1; b=2");
    let (status, body) = answer(&mut sender, get("/internal/health")).await;
    assert_eq!((status, body["error"].as_str()), (StatusCode::NOT_FOUND, Some("Not found")));
    let mut connect = get("/");
    *connect.method_mut() = Method::CONNECT;
    let refused = sender.send_request(connect).await.unwrap();
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(Client::connect(running.address).await.get("/api/v1/users", &[]).await.service(), "legacy");
}

#[tokio::test]
async fn requests_of_one_connection_do_not_wait_for_each_other() {
    let (url, _service) = raw(|mut stream, head| async move {
        if head.starts_with("GET /api/v1/users/slow") {
            std::future::pending::<()>().await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        let _ = stream.read_u8().await;
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut sender = connect(running.address).await;
    let slow = sender.send_request(get("/api/v1/users/slow"));
    assert_eq!(answer(&mut sender, get("/api/v1/users/1")).await.0, StatusCode::OK);
    assert_eq!(timeout(PATIENCE, slow).await.expect("in time").unwrap().status(), StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn trailers_pass_in_both_directions_without_lies() {
    let service = Grpc::start(&testkit::port::free().to_string()).await;
    let running = Running::start(&service.routes());
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("1"));
    trailers.insert("x-tenant-id", HeaderValue::from_static("other"));
    let frames = [Frame::data(Bytes::from_static(b"five!")), Frame::trailers(trailers)];
    let body = StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, Infallible>)));
    let request = Request::post("http://api.example.com/api/v1/users/Get").header("te", "trailers").body(body).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await.expect("in time").unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["grpc-status"], "0");
    assert!(!body.trailers().unwrap().contains_key("x-user-id"));
    let seen: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!((seen["length"].as_u64(), seen["headers"]["te"].as_str()), (Some(5), Some("trailers")));
    assert_eq!(seen["uri"], "http://api.example.com/api/v1/users/Get");
    assert_eq!(seen["trailers"], json!({"x-checksum": "1"}));
}

#[tokio::test]
async fn service_over_http2_is_shared_and_found_again() {
    let service = Grpc::start(&testkit::port::free().to_string()).await;
    let running = Running::start(&service.routes());
    let mut many = connect(running.address).await;
    let sent: Vec<_> = (0..100).map(|_| many.send_request(get("/api/v1/users/1"))).collect();
    for one in sent {
        assert_eq!(timeout(PATIENCE, one).await.expect("in time").unwrap().status(), StatusCode::OK);
    }
    assert_eq!(service.connections.load(Ordering::SeqCst), 1, "a client's thread has one for all");
    let mut client = Client::connect(running.address).await;
    let answer = client.get("/api/v1/users/1", &[]).await;
    assert_eq!(
        (answer.service(), answer.body["uri"].as_str()),
        ("grpc", Some("http://api.example.com/api/v1/users/1"))
    );
    assert_eq!(answer.headers["x-gateway-side"], "platform");
    let status = running.status().await;
    assert!(status["instances"].as_object().unwrap().keys().all(|name| name.starts_with("h2c://")), "{status}");
    let address = service.url.trim_start_matches("http://").to_owned();
    drop(service);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(client.get("/api/v1/users/1", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let _again = Grpc::start(&address).await;
    assert_eq!(client.send("POST", "/api/v1/users/1", &[], "{}").await.service(), "grpc");
}
