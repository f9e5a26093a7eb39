//! The admin port: who is let in, and that it does what the control socket does.

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use kernel::Rng;
use pyairtable_gateway::admin::{Admin, Token};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{Client, PATIENCE, Running, Service, two_sides};

const BEARER: &str = "Bearer 0707070707070707070707070707070707070707070707070707070707070707";

struct Sevens;

impl Rng for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

struct Port {
    address: SocketAddr,
    running: Running,
    _services: [Service; 2],
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Port {
    async fn start() -> Self {
        let services = [Service::start("legacy").await, Service::start("platform").await];
        let running = Running::start(&two_sides(&services[0].url(), &services[1].url()));
        let directory = tempfile::tempdir().unwrap();
        let token = Token::read_or_make(&directory.path().join("token"), &Sevens).unwrap();
        let gateway = std::sync::Arc::clone(&running.gateway);
        let admin = Admin::bind("127.0.0.1:0".parse().unwrap(), token, gateway).await.unwrap();
        let address = admin.local_addr().unwrap();
        let task = tokio::spawn(admin.serve());
        Self { address, running, _services: services, task }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> crate::support::Answer {
        Client::connect(self.address).await.send(method, path, headers, body).await
    }

    async fn order(&self, path: &str, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"who": "ada", "why": "a test", "family": "all"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.ask("POST", path, &[("authorization", BEARER)], &body.to_string()).await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn nothing_but_the_page_and_health_is_answered_without_the_token() {
    let port = Port::start().await;
    let orders = "{\"who\":\"eve\",\"why\":\"because\",\"family\":\"all\",\"share\":\"100%\"}";
    for (method, path) in [
        ("GET", "/view"),
        ("GET", "/events"),
        ("GET", "/metrics"),
        ("POST", "/set"),
        ("POST", "/"),
        ("GET", "/nothing"),
    ] {
        let answer = port.ask(method, path, &[], orders).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        assert!(answer.body["error"].as_str().unwrap().contains("--admin-token-file"));
    }
    let in_url = port.ask("GET", &format!("/view?token={}", &BEARER[7..]), &[], "").await;
    assert_eq!(in_url.status, StatusCode::UNAUTHORIZED);
    let basic = port.ask("GET", "/view", &[("authorization", &BEARER.replace("Bearer", "Basic"))], "").await;
    assert_eq!(basic.status, StatusCode::UNAUTHORIZED);
    for path in ["/", "/page.js", "/charts.js", "/page.css", "/icon.svg"] {
        let answer = port.ask("GET", path, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let header = |name: &str| answer.headers[name].to_str().unwrap();
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert!(!header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!((header("x-frame-options"), header("cache-control")), ("DENY", "no-store"));
    }
    assert_eq!(port.running.status().await["families"]["users"]["share"], "0%");
}

#[tokio::test]
async fn another_sites_page_may_not_ask_even_with_the_token() {
    let port = Port::start().await;
    for (site, status) in
        [("cross-site", StatusCode::FORBIDDEN), ("same-site", StatusCode::FORBIDDEN), ("same-origin", StatusCode::OK)]
    {
        let answer = port.ask("GET", "/view", &[("authorization", BEARER), ("sec-fetch-site", site)], "").await;
        assert_eq!(answer.status, status, "{site}");
    }
}

#[tokio::test]
async fn wrong_tokens_are_soon_not_looked_at_any_more() {
    let port = Port::start().await;
    let wrong = [("authorization", "Bearer 0707070707070707070707070707070707070707070707070707070707070708")];
    for n in 0..10 {
        assert_eq!(port.ask("GET", "/view", &wrong, "").await.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    let refused = port.ask("GET", "/view", &[("authorization", BEARER)], "").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=7).contains(&wait), "{wait}");
    assert_eq!(port.ask("GET", "/", &[], "").await.status, StatusCode::OK, "the page can say so");
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(port.ask("GET", "/view", &[("authorization", BEARER)], "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn orders_are_those_of_the_socket_and_are_seen_with_who_and_why() {
    let port = Port::start().await;
    let (status, body) = port.order("/set", json!({"share": "10%"})).await;
    assert_eq!((status, &body["changes"][0]["to"]), (StatusCode::OK, &json!("10%")));
    let (status, body) = port.order("/set", json!({"share": "10%", "why": " "})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].as_str().unwrap().contains("who you are and why"));
    assert_eq!(port.order("/sett", json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(port.order("/renew", json!({"who": "bob"})).await.0, StatusCode::OK);
    assert_eq!(
        port.order("/force", json!({"tenant": "t-1", "to": "platform", "family": null})).await.0,
        StatusCode::OK
    );
    let view = port.ask("GET", "/view?seconds=5", &[("authorization", BEARER)], "").await.body;
    let users = &view["families"]["users"];
    assert_eq!((&users["share"], &users["safe"], &users["holder"]), (&json!("10%"), &json!("0%"), &json!("bob")));
    assert!(users["lease_seconds"].as_f64().unwrap() > 0.0 && users["is_movable"] == true);
    let what: Vec<&str> = view["changes"].as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["force tenant t-1 to platform", "set 10%"]);
    assert_eq!((&view["changes"][1]["who"], &view["changes"][1]["why"]), (&json!("ada"), &json!("a test")));
    assert_eq!(port.running.control_raw("GET", "/view", "").await.1["changes"], view["changes"]);
    assert_eq!(port.order("/return", json!({})).await.0, StatusCode::OK);
    assert_eq!(port.running.status().await["families"]["users"]["share"], "0%");
}

#[tokio::test]
async fn lease_that_ends_is_seen_among_the_changes() {
    let port = Port::start().await;
    port.running.set("50%").await;
    tokio::time::sleep(Duration::from_millis(15_500)).await;
    let view = port.running.control_raw("GET", "/view", "").await.1;
    assert_eq!(
        (&view["changes"][0]["who"], &view["changes"][0]["what"]),
        (&json!("gateway"), &json!("end of the lease"))
    );
    assert_eq!(view["changes"][0]["changes"][0], json!({"family": "users", "from": "50%", "to": "0%"}));
    assert_eq!(view["families"]["users"]["holder"], Value::Null);
}

#[tokio::test]
async fn health_and_metrics_are_for_machines() {
    let port = Port::start().await;
    let mut client = Client::connect(port.running.address).await;
    client.get("/api/v1/users/1", &[]).await;
    let began = std::time::Instant::now();
    while port.ask("GET", "/healthz", &[], "").await.status != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE, "never well");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stream = TcpStream::connect(port.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("/metrics").header("authorization", BEARER).body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&text).unwrap();
    assert!(text.contains("gateway_share{family=\"users\"} 0"), "{text}");
}

#[tokio::test]
async fn stream_begins_with_everything_and_goes_on_with_what_is_new() {
    let port = Port::start().await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let stream = TcpStream::connect(port.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::get("/events").header("authorization", BEARER).body(Empty::<Bytes>::new()).unwrap();
    let mut body = sender.send_request(request).await.unwrap().into_body();
    let (mut text, mut seen) = (String::new(), Vec::new());
    while seen.len() < 8 {
        let frame = timeout(PATIENCE, body.frame()).await.expect("an event in time").unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            let json: Value = serde_json::from_str(event.strip_prefix("event: view\ndata: ").unwrap()).unwrap();
            let at = |point: &Value| point["at"].as_str().unwrap().to_owned();
            let points = json["total"].as_array().unwrap().iter().map(at);
            let of_family = json["families"]["users"]["points"].as_array().unwrap().iter().map(at);
            assert_eq!(points.clone().collect::<Vec<_>>(), of_family.collect::<Vec<_>>());
            seen.push(points.collect::<Vec<_>>());
            text = rest.to_owned();
        }
    }
    assert!(seen[0].len() >= 2, "what was before: {seen:?}");
    let all: Vec<String> = seen.into_iter().flatten().collect();
    assert!(all.len() >= 6 && all.is_sorted_by(|a, b| a < b), "each second once: {all:?}");
}
