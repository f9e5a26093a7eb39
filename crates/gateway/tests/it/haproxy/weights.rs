//! Weights of servers, in a configuration that knows nothing of this program.

use std::time::{Duration, Instant};

use serde_json::json;

use super::running::{Driven, Haproxy};
use crate::load::{Light, Sender, forty, under_load};

const DEFAULTS: &str = "\
defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
";

async fn start(balance: &str, legacy: &Light, platform: &Light, more: &str) -> Haproxy {
    Haproxy::start(|_, port| {
        let (legacy, platform) = (legacy.address, platform.address);
        format!(
            "{DEFAULTS}    {more}\nfrontend f\n    bind :{port}\n    default_backend users\nbackend users\n    {balance}\n    \
             server old1 {legacy} weight 100 check inter 200ms\n    server platform1 {platform} weight 0 check inter 200ms\n"
        )
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_changes_under_load_fail_no_request() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let haproxy = start("balance roundrobin", &legacy, &platform, "").await;
    let driven = Driven::by_weights(&haproxy, false).await.unwrap();
    let sent = under_load(haproxy.address, "", 100_000, &forty(), false, async |share| {
        driven.set(&share.to_string()).await;
    })
    .await;
    assert!(sent.requests >= 100_000, "{}", sent.requests);
    assert_eq!(sent.failed, [""; 0]);
    // 0 % is nobody and 100 % everybody, from the first request on; between them it is a share.
    let mut sender = Sender::new(haproxy.address);
    for (share, expected) in [("100%", 1000), ("10%", 100), ("0%", 0)] {
        driven.set(share).await;
        let mut on_platform = 0;
        for _ in 0..1000 {
            on_platform += i32::from(sender.send("GET", "").await.unwrap().1 == "platform");
        }
        assert!((on_platform - expected).abs() <= 5, "{share}: {on_platform} of 1000");
    }
}

/// What the order of the commands is for, and that the tests above would notice.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_order_of_two_weights_fails_requests() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let haproxy = start("balance roundrobin", &legacy, &platform, "").await;
    let shares: Vec<_> = ["0%", "100%"].iter().cycle().take(100).map(|share| share.parse().unwrap()).collect();
    let sent = under_load(haproxy.address, "", 10_000, &shares, false, async |share| {
        let (from, to) = if share.millionths() == 0 { ("platform1", "old1") } else { ("old1", "platform1") };
        haproxy.say(&format!("set weight users/{from} 0")).await.unwrap();
        haproxy.say(&format!("set weight users/{to} 100")).await.unwrap();
    })
    .await;
    println!("{} of {} requests failed", sent.failed.len(), sent.requests);
    assert!(!sent.failed.is_empty());
}

#[tokio::test]
async fn balance_that_knows_no_shares_is_refused_and_nothing_changes() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    for balance in ["balance source", "balance static-rr"] {
        let haproxy = start(balance, &legacy, &platform, "").await;
        let error = match Driven::by_weights(&haproxy, false).await {
            Err(error) => error,
            Ok(driven) => {
                let refused = driven.control("/set", json!({"share": "100%"})).await;
                assert!(!refused.done, "{balance}");
                refused.body["error"].as_str().unwrap().to_owned()
            }
        };
        assert!(error.contains("hash-type consistent"), "{balance}: {error}");
        for _ in 0..10 {
            assert_eq!(haproxy.side("").await, "legacy", "{balance}");
        }
    }
    let haproxy = start("balance source\n    hash-type consistent", &legacy, &platform, "").await;
    let driven = Driven::by_weights(&haproxy, false).await.unwrap();
    driven.set("100%").await;
    assert_eq!(haproxy.side("").await, "platform");
}

#[tokio::test]
async fn reload_forgets_weights_and_the_driver_does_not() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    for state in [false, true] {
        let more = if state { "load-server-state-from-file global" } else { "" };
        let haproxy = start("balance roundrobin", &legacy, &platform, more).await;
        let driven = Driven::by_weights(&haproxy, state).await.unwrap();
        driven.set("100%").await;
        driven.control("/confirm", json!({})).await;
        let before = driven.restored().await;
        haproxy.reload().await;
        if state {
            assert_eq!(haproxy.side("").await, "platform", "with the file from the first request on");
        } else {
            driven.restores_after(before).await;
        }
        assert_eq!(driven.users().await["in_force"], "100%");
        // Without driver and file, the weights of the configuration come back.
        drop(driven);
        if !state {
            haproxy.reload().await;
            let began = Instant::now();
            while haproxy.side("").await != "legacy" {
                assert!(began.elapsed() < Duration::from_secs(20), "the new worker gets nobody");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }
}

#[tokio::test]
async fn side_without_a_server_gets_nobody_and_one_without_any_is_said() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let haproxy = start("balance roundrobin", &legacy, &platform, "").await;
    let driven = Driven::by_weights(&haproxy, false).await.unwrap();
    haproxy.say("set server users/platform1 state maint").await.unwrap();
    let refused = driven.control("/set", json!({"share": "10%"})).await;
    assert!(refused.body["error"].as_str().unwrap().contains("no server of the new side"), "{}", refused.body);
    haproxy.say("set server users/platform1 state ready").await.unwrap();
    driven.set("10%").await;
    assert_eq!(driven.users().await["in_force"], "10%");
    driven.driver.stop().await.unwrap();
    assert_eq!(driven.users().await["in_force"], "0%", "what nobody confirmed ends with the driver");
    let alone = Haproxy::start(|_, port| {
        format!("{DEFAULTS}frontend f\n    bind :{port}\n    default_backend users\nbackend users\n    server a 127.0.0.1:1\n")
    })
    .await;
    let error = Driven::by_weights(&alone, false).await.err().unwrap();
    assert!(error.contains("needs servers of both sides"), "{error}");
}
