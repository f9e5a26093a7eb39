//! The shadow: what it finds, what it never does, and what it costs clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::faulty::{Fault, Faulty, Load};
use crate::support::{Client, PATIENCE, Running, token, two_sides};

async fn start() -> (Faulty, Faulty, Running) {
    let data = Arc::new(AtomicU64::new(1_000_000));
    let (legacy, platform) = (Faulty::start(&data).await, Faulty::start(&data).await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    (legacy, platform, running)
}

impl Running {
    async fn compare(&self, rate: &str) {
        let (status, answer) = self.control("/shadow/start", json!({"rate": rate, "anyway": true})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
    }

    /// The report, once `count` of `what` were counted.
    async fn shadow_after(&self, what: &str, count: u64) -> Value {
        let began = Instant::now();
        loop {
            let report = self.shadow().await;
            if report["reads"][what].as_u64().unwrap() >= count {
                return report;
            }
            assert!(began.elapsed() < PATIENCE, "no {count} of {what}: {report:#}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn writes_and_streams_and_conditional_reads_are_never_mirrored() {
    let (legacy, platform, running) = start().await;
    running.compare("100%").await;
    let mut client = Client::connect(running.address).await;
    for n in 0..20 {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            client.send(method, &format!("/api/v1/users/{n}"), &[], if n % 2 == 0 { "" } else { "{}" }).await;
        }
        for header in [
            ("accept", "text/event-stream"),
            ("if-none-match", "\"x\""),
            ("range", "bytes=0-1"),
            ("upgrade", "websocket"),
        ] {
            client.get("/api/v1/users/1", &[header]).await;
        }
        client.send("GET", "/api/v1/users/1", &[], "a body").await;
    }
    client.get("/api/v1/users/1", &[]).await;
    let report = running.shadow_after("compared", 1).await;
    assert_eq!((report["reads"]["sampled"].as_u64(), platform.shadowed()), (Some(1), 1), "{report:#}");
    assert_eq!((platform.served(), platform.written(), legacy.written()), (0, 0, 100));
}

#[tokio::test]
async fn differences_are_found_with_redacted_examples_and_only_the_register_excuses_them() {
    let (_legacy, platform, running) = start().await;
    let mut client = Client::connect(running.address).await;
    let (status, answer) = running.control("/shadow/start", json!({"rate": "100%"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer["error"].as_str().unwrap().contains("let it learn first"), "{answer}");
    running.control("/shadow/learn", json!({"rate": "100%"})).await;
    for n in 0..50 {
        client.get(&format!("/api/v1/users/{n}"), &[]).await;
    }
    let report = running.shadow_after("learned", 50).await;
    assert_eq!((platform.shadowed(), &report["noisy"]), (0, &json!([])), "one side was asked twice: {report:#}");
    running.compare("100%").await;
    platform.fail(Fault::WrongBody);
    for n in 0..10 {
        client.get(&format!("/api/v1/users/{n}?page=1"), &[]).await;
    }
    let report = running.shadow_after("compared", 10).await;
    assert_eq!((&report["reads"]["different"], &report["reads"]["equal"]), (&json!(10), &json!(0)), "{report:#}");
    let found = &report["differences"];
    assert_eq!(found.as_array().unwrap().len(), 1, "{report:#}");
    let expected = ["GET /api/v1/users/{id}", "$.name", "type", "null"];
    assert_eq!(["endpoint", "field", "kind", "platform"].map(|key| found[0][key].as_str().unwrap()), expected);
    assert_eq!(found[0]["count"], 10);
    assert!(!report.to_string().contains("Ada"), "{report:#}");
    assert!(running.control_raw("GET", "/shadow?values=true", "").await.1.to_string().contains("Ada"));

    let entry = "- endpoint: GET /api/v1/users/{id}\n  field: $.name\n  kind: type\n";
    let problems = running.gateway.set_register(entry).unwrap_err();
    assert!(problems[0].message.contains("`reason` is missing"), "{problems:?}");
    running.gateway.set_register(&format!("{entry}  reason: names are hidden now\n")).unwrap();
    running.gateway.set_register(entry).unwrap_err();
    running.compare("100%").await;
    for n in 0..10 {
        client.get(&format!("/api/v1/users/{n}"), &[]).await;
    }
    let report = running.shadow_after("intended", 10).await;
    assert_eq!((&report["reads"]["different"], &report["differences"]), (&json!(0), &json!([])), "{report:#}");
    assert_eq!(report["intended"], json!({"names are hidden now": 10}));

    running.control("/shadow/stop", json!({})).await;
    client.get("/api/v1/users/1", &[]).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(running.shadow().await["reads"]["sampled"], 10, "stopped");
}

#[tokio::test]
async fn answers_that_are_too_large_pass_and_are_not_compared() {
    let (legacy, _platform, running) = start().await;
    legacy.fail(Fault::Huge);
    running.compare("100%").await;
    let mut client = Client::connect(running.address).await;
    for _ in 0..3 {
        assert_eq!(client.get("/api/v1/users/1", &[]).await.headers["content-length"], "50000000");
    }
    let report = running.shadow_after("too_large", 3).await;
    assert_eq!(report["reads"]["compared"], 0, "{report:#}");
}

/// People who are on the new side write there. What the old side read for the shadow meanwhile could stay in its caches.
#[tokio::test]
async fn reads_of_the_new_side_are_never_asked_of_the_old_one_while_people_are_there() {
    let (legacy, platform, running) = start().await;
    running.compare("100%").await;
    let mut client = Client::connect(running.address).await;
    let (status, _) = running.control("/force", json!({"tenant": "t-2", "to": "platform"})).await;
    assert_eq!(status, StatusCode::OK);
    let bearers: Vec<String> = (0..20)
        .map(|n| format!("Bearer {}", token(&format!("user-{n}"), if n % 2 == 0 { "t-1" } else { "t-2" })))
        .collect();
    let mut asked = 0;
    for (share, mirrored) in [("0%", 10), ("0.1%", 0), ("50%", 0), ("0%", 10)] {
        running.set(share).await;
        let (old, new, sampled) = (legacy.shadowed(), platform.shadowed(), legacy.served());
        for (n, bearer) in bearers.iter().enumerate() {
            client.get(&format!("/api/v1/users/{n}"), &[("authorization", bearer)]).await;
        }
        let on_old = legacy.served() - sampled;
        asked += on_old + mirrored;
        running.shadow_after("compared", asked).await;
        assert_eq!((legacy.shadowed() - old, platform.shadowed() - new), (mirrored, on_old), "at {share}");
        assert!(on_old > 0 && on_old <= 10, "at {share}: {on_old}");
    }
}

fn p99(millis: &mut [f64]) -> f64 {
    millis.sort_by(f64::total_cmp);
    millis[millis.len() * 99 / 100]
}

/// Slices with the shadow and without it take turns, so that both see the same machine.
#[tokio::test(flavor = "multi_thread")]
async fn shadow_that_hangs_or_dies_or_answers_50_mb_costs_clients_nothing() {
    for fault in [Fault::Hang, Fault::CrashLoop, Fault::Huge] {
        let (_legacy, platform, running) = start().await;
        platform.fail(fault);
        let load = Load::start(running.address, 100);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        let began = Instant::now();
        for slice in 0..8 {
            let is_on = slice % 2 == 1;
            if is_on {
                running.compare("100%").await;
            } else {
                running.control("/shadow/stop", json!({})).await;
            }
            load.met.millis.lock().unwrap().clear();
            sleep(Duration::from_millis(750)).await;
            if is_on { &mut with } else { &mut without }.append(&mut load.met.millis.lock().unwrap());
        }
        let report = running.shadow().await;
        let (on, off) = (p99(&mut with), p99(&mut without));
        println!("{fault:?}: p99 {on:.2} ms with the shadow, {off:.2} ms without, {}", report["reads"]);
        assert_eq!(load.met.failed.load(Ordering::SeqCst), 0, "{fault:?}");
        assert!(with.len() > 100 && report["reads"]["sampled"].as_u64().unwrap() > 10, "{fault:?}: {report:#}");
        assert!(
            on < off + 100.0,
            "{fault:?}: {on} ms with the shadow and {off} ms without after {:?}",
            began.elapsed()
        );
        assert_eq!(report["reads"]["different"], 0, "{report:#}");
        // Who waits no longer, or reads no further, has no reason to blame.
        let has_failed = report["reads"]["failed"].as_u64().unwrap() > 0;
        assert!(!has_failed || fault == Fault::CrashLoop, "{fault:?}: {report:#}");
    }
}
