//! Services that die, hang, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::support::{Client, Running, Service, raw, read_head, two_sides};

/// An address where nobody listens.
async fn nobody() -> String {
    let service = Service::start("nobody").await;
    service.url()
}

#[tokio::test]
async fn dead_instance_costs_idempotent_requests_nothing() {
    let alive = Service::start("alive").await;
    let group = format!("[{}, {}]", nobody().await, alive.url());
    let running = Running::start(&two_sides(&group, &group));
    let mut client = Client::connect(running.address).await;
    for _ in 0..50 {
        let answer = client.get("/api/v1/users", &[]).await;
        assert_eq!((answer.status, answer.service()), (StatusCode::OK, "alive"));
    }
    let instances = running.status().await["instances"].clone();
    assert_eq!(instances[alive.url()], "well", "{instances}");
    assert!(instances.as_object().unwrap().values().any(|condition| condition != "well"), "{instances}");
}

#[tokio::test]
async fn request_that_must_not_be_sent_twice_is_not() {
    let received = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&received);
    let (url, _service) = raw(move |stream, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async move { drop(stream) }
    })
    .await;
    let other = raw({
        let received = Arc::clone(&received);
        move |stream, _| {
            received.fetch_add(1, Ordering::SeqCst);
            async move { drop(stream) }
        }
    })
    .await;
    let group = format!("[{url}, {}]", other.0);
    let running = Running::start(&two_sides(&group, &group));
    let answer = Client::connect(running.address).await.send("POST", "/api/v1/users", &[], "{}").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(received.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn retries_end_with_their_budget() {
    let tries = Arc::new(AtomicUsize::new(0));
    // Keep-alive connections that end at the second request: the case in which a request is sent once more.
    let count = Arc::clone(&tries);
    let (url, _service) = raw(move |mut stream, _| {
        let count = Arc::clone(&count);
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
            read_head(&mut stream).await;
        }
    })
    .await;
    let running = Running::start(&two_sides(&url, &url));
    let mut client = Client::connect(running.address).await;
    let mut failed = 0;
    for _ in 0..200 {
        failed += usize::from(client.get("/api/v1/users", &[]).await.status != StatusCode::OK);
    }
    // Every second request is on an old connection; ten may be repeated at once and then one in ten.
    assert!((50..95).contains(&failed), "{failed} of 200 failed");
    assert!(tries.load(Ordering::SeqCst) <= 200);
}

#[tokio::test]
async fn service_that_hangs_is_given_up_in_time_and_one_that_is_gone_at_once() {
    let (hangs, _service) = raw(|stream, _| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let running = Running::start(&two_sides(&hangs, &nobody().await));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.get("/api/v1/users", &[]).await.status, StatusCode::GATEWAY_TIMEOUT);
    running.control("/set", json!({"family": "all", "share": "100%", "anyway": true})).await;
    let answer = client.get("/api/v1/users", &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["error"], "Service temporarily unavailable");
    assert_eq!(answer.headers["x-gateway-side"], "platform");
    let counters = running.status().await["families"]["users"]["counters"].clone();
    for side in [0, 3] {
        assert_eq!((counters[side]["requests"].as_u64(), counters[side]["errors"].as_u64()), (Some(1), Some(1)));
    }
}

#[tokio::test]
async fn service_that_restarts_is_found_again_on_new_connections() {
    let service = Service::start("first").await;
    let address = service.address.to_string();
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.get("/api/v1/users", &[]).await.service(), "first");
    drop(service);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(client.get("/api/v1/users", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let _second = Service::start_on(&address, "second").await;
    assert_eq!(client.send("POST", "/api/v1/users", &[], "{}").await.service(), "second");
}
