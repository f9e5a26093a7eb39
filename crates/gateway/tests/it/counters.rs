//! What the gateway counted, as whoever watches it gets it.

use std::time::Duration;

use http::StatusCode;
use pyairtable_gateway::counters::Snapshot;

use crate::support::{Client, Running, Service, two_sides};

#[tokio::test]
async fn counters_show_the_last_seconds_of_both_sides() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    for (share, requests) in [("0%", 30), ("100%", 20)] {
        running.set(share).await;
        for n in 0..requests {
            client.get(if n % 10 == 0 { "/api/v1/users/fail" } else { "/api/v1/users/1" }, &[]).await;
        }
        client.send("POST", "/api/v1/users", &[], "{}").await;
    }
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let (status, answer) = running.control_raw("GET", "/counters?seconds=60", "").await;
    assert_eq!(status, StatusCode::OK);
    let snapshot: Snapshot = serde_json::from_value(answer).unwrap();
    let users = &snapshot.families["users"];
    assert_eq!(users.share.to_string(), "100%");
    let sum = |count: fn(&pyairtable_gateway::counters::Point) -> u64| users.points.iter().map(count).sum::<u64>();
    assert_eq!((sum(|point| point.legacy.requests), sum(|point| point.legacy.errors)), (31, 3));
    assert_eq!((sum(|point| point.platform.requests), sum(|point| point.platform.errors)), (21, 2));
    assert!(users.summaries.iter().all(|summary| summary.p50_ms.is_some() && summary.waiting == 0));
    assert_eq!(users.summaries.len(), 4, "reads and writes on both sides: {users:?}");
    assert!(
        running.gateway.metrics().contains("gateway_errors_total{family=\"users\",side=\"legacy\",class=\"read\"} 3\n")
    );
    let (status, answer) = running.control_raw("GET", "/counters?seconds=x", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
}
