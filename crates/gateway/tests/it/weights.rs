//! Moving traffic while it flows.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;

use crate::load::{Light, forty, under_load};
use crate::support::{Client, Running, Service, token, two_sides};

#[tokio::test(flavor = "multi_thread")]
async fn forty_changes_under_load_fail_no_request_and_each_is_in_force_once_it_is_answered() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let sent = under_load(running.address, "", 100_000, &forty(), true, async |share| {
        let asked = Instant::now();
        running.set(&share.to_string()).await;
        slowest = slowest.max(asked.elapsed());
    })
    .await;
    println!("{} requests in {:?}, the slowest change took {slowest:?}", sent.requests, began.elapsed());
    assert!(sent.requests >= 100_000 && sent.checked > 30_000, "{} of {}", sent.checked, sent.requests);
    assert_eq!((&*sent.failed, &*sent.misled), (&[][..], &[][..]));
    assert!(sent.on_platform > 10_000 && sent.requests - sent.on_platform > 10_000, "{}", sent.on_platform);
    let counted: u64 = running.status().await["families"]["users"]["counters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!((one["errors"].as_u64(), one["cut"].as_u64()), (Some(0), Some(0)), "{one}");
            one["requests"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(counted, sent.requests, "every request is counted once");
}

#[tokio::test]
async fn people_move_once_on_the_way_up() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    let mut moved = [false; 100];
    let mut counts = Vec::new();
    for share in ["0%", "1%", "10%", "50%", "100%"] {
        running.set(share).await;
        for (n, moved) in moved.iter_mut().enumerate() {
            let bearer = format!("Bearer {}", token(&format!("user-{n}"), "t"));
            let on_new = client.get("/api/v1/users/1", &[("authorization", &bearer)]).await.service() == "platform";
            assert!(on_new || !*moved, "user-{n} moved back at {share}");
            *moved = on_new;
        }
        counts.push(moved.iter().filter(|moved| **moved).count());
    }
    assert_eq!((counts[0], counts[4]), (0, 100), "{counts:?}");
    assert!((30..70).contains(&counts[3]), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn return_from_everybody_is_in_force_within_ten_milliseconds() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        running.set("100%").await;
        assert_eq!(client.get("/api/v1/users/1", &[]).await.service(), "platform");
        let began = Instant::now();
        let (status, answer) = running.control("/return", json!({"family": "all"})).await;
        fastest = fastest.min(began.elapsed());
        assert_eq!((status, answer["changes"][0]["to"].as_str()), (StatusCode::OK, Some("0%")));
        // The very next request, not one after a while.
        assert_eq!(client.get("/api/v1/users/1", &[]).await.service(), "legacy");
        assert_eq!(running.control("/set", json!({"family": "all", "share": "1%"})).await.0, StatusCode::CONFLICT);
        running.control("/thaw", json!({"family": "all"})).await;
    }
    assert!(fastest < Duration::from_millis(10), "{fastest:?}");
}
