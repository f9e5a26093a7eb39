//! Moving traffic while it flows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;

use crate::support::{Client, Running, Service, token, two_sides};

#[tokio::test(flavor = "multi_thread")]
async fn forty_changes_under_load_fail_no_request_and_move_nobody_back_on_the_way_up() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|worker| {
            let (address, stop) = (running.address, Arc::clone(&stop));
            tokio::spawn(async move {
                let mut client = Client::connect(address).await;
                let mut sides: BTreeMap<String, u64> = BTreeMap::new();
                let people: Vec<String> =
                    (0..20).map(|n| format!("Bearer {}", token(&format!("user-{worker}-{n}"), "t"))).collect();
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let who = [("authorization", &*people[n % people.len()])];
                    let (method, body) = if n % 5 == 0 { ("POST", "{}") } else { ("GET", "") };
                    let answer = client.send(method, "/api/v1/users/1", &who, body).await;
                    assert_eq!(answer.status, StatusCode::OK);
                    *sides.entry(answer.service().to_owned()).or_default() += 1;
                }
                sides
            })
        })
        .collect();
    for change in 0..40_u32 {
        let percent = [1, 10, 50, 100, 50, 10, 1, 0][usize::try_from(change).unwrap() % 8];
        running.set(&format!("{percent}%")).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sides: BTreeMap<String, u64> = BTreeMap::new();
    for client in clients {
        for (side, count) in client.await.expect("no request failed") {
            *sides.entry(side).or_default() += count;
        }
    }
    assert!(sides["legacy"] > 100 && sides["platform"] > 100, "{sides:?}");
    let counted: u64 = running.status().await["families"]["users"]["counters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert_eq!((one["errors"].as_u64(), one["cut"].as_u64()), (Some(0), Some(0)), "{one}");
            one["requests"].as_u64().unwrap()
        })
        .sum();
    assert_eq!(counted, sides.values().sum::<u64>(), "every request is counted once");
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
