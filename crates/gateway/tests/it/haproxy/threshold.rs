//! Thresholds in a map, and the printed configuration that compares with them.

use std::time::{Duration, Instant};

use pyairtable_gateway::split::{Share, Splitter, StickyKey};
use serde_json::json;

use super::running::{Driven, Haproxy};
use crate::load::{Light, Sender, forty, person, under_load};
use crate::support::{Client, Service, token, two_sides};

fn routes(legacy: &Light, platform: &Light) -> String {
    format!("seed: production\nroutes:\n{}", two_sides(&legacy.url(), &platform.url()))
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_changes_under_load_fail_no_request_and_each_is_in_force_once_it_is_answered() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    let mut slowest = Duration::ZERO;
    let began = Instant::now();
    let sent = under_load(haproxy.address, "production", 100_000, &forty(), true, async |share| {
        let asked = Instant::now();
        driven.set(&share.to_string()).await;
        slowest = slowest.max(asked.elapsed());
    })
    .await;
    println!("{} requests in {:?}, the slowest change took {slowest:?}", sent.requests, began.elapsed());
    assert!(sent.requests >= 100_000 && sent.checked > 30_000, "{} of {}", sent.checked, sent.requests);
    assert_eq!((&*sent.failed, &*sent.misled), (&[][..], &[][..]));
    assert!(sent.on_platform > 10_000, "{}", sent.on_platform);
}

#[tokio::test(flavor = "multi_thread")]
async fn split_is_that_of_the_gateway_for_everybody_and_nobody_moves_back_on_the_way_up() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    let people: Vec<_> = (0..2000).map(|n| person("production", &format!("user-{n}"))).collect();
    let mut sender = Sender::new(haproxy.address);
    let mut moved = vec![false; people.len()];
    for share in ["0%", "1%", "10%", "50%", "99.9999%", "100%"] {
        driven.set(share).await;
        let share: Share = share.parse().unwrap();
        for (person, moved) in people.iter().zip(&mut moved) {
            let on_platform = sender.send("GET", &person.bearer).await.unwrap().1 == "platform";
            assert_eq!(on_platform, share.takes(person.position), "{share}: {}", person.bearer);
            assert!(on_platform || !*moved);
            *moved = on_platform;
        }
        // Without a token it is the address.
        let address = Splitter::new("production").position(StickyKey::Address([127, 0, 0, 1].into()));
        let on_platform = sender.send("GET", "Basic x").await.unwrap().1 == "platform";
        assert_eq!(on_platform, share.takes(address), "{share}");
    }
}

#[tokio::test]
async fn haproxy_itself_ends_the_lease_of_a_driver_that_is_gone() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("100%").await;
    let set = Instant::now();
    assert_eq!(haproxy.side("Bearer x").await, "platform");
    drop(driven);
    while haproxy.side("Bearer x").await == "platform" {
        assert!(set.elapsed() < Duration::from_secs(16), "still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(set.elapsed() > Duration::from_secs(13), "{:?}", set.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn share_survives_reloads_under_load_with_the_driver_and_without_its_file() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("50%").await;
    let shares = ["50%".parse().unwrap(); 3];
    let sent = under_load(haproxy.address, "production", 6000, &shares, true, async |_| haproxy.reload().await).await;
    // The first request after the reload already: the map was written.
    assert_eq!((&*sent.failed, &*sent.misled), (&[][..], &[][..]));
    // Somebody else writes nobody into the file.
    driven.set("100%").await;
    driven.control("/confirm", json!({})).await;
    std::fs::write(haproxy.directory.path().join("pyairtable.map"), "users 0:0:0\n").unwrap();
    let before = driven.restored().await;
    haproxy.reload().await;
    driven.restores_after(before).await;
    assert_eq!(driven.users().await["in_force"], json!("100%"));
    assert_eq!(haproxy.side("Bearer x").await, "platform");
}

#[tokio::test]
async fn words_are_those_of_the_gateway() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("10%").await;
    driven.control("/confirm", json!({"family": "users"})).await;
    driven.set("100%").await;
    let users = driven.users().await;
    assert_eq!((&users["share"], &users["safe"], &users["in_force"]), (&json!("100%"), &json!("10%"), &json!("100%")));
    assert_eq!(users["servers"], json!({"legacy": {"up": 1, "all": 1}, "platform": {"up": 1, "all": 1}}));
    // The confirmed share outlives the driver, one on lease does not.
    drop(driven);
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    assert_eq!(driven.users().await["in_force"], json!("10%"));
    driven.control("/freeze", json!({})).await;
    assert!(!driven.control("/set", json!({"share": "50%"})).await.done);
    let back = driven.control("/return", json!({})).await;
    assert_eq!(back.body, json!({"changes": [{"family": "users", "from": "10%", "to": "0%"}]}));
    assert_eq!(driven.users().await["in_force"], json!("0%"));
    let refused = driven.control("/force", json!({"user": "u", "to": "platform"})).await;
    assert!(refused.body["error"].as_str().unwrap().contains("`force:`"), "{}", refused.body);
    let unknown = driven.control("/set", json!({"family": "usres", "share": "1%"})).await;
    assert!(unknown.body["error"].as_str().unwrap().contains("users"), "{}", unknown.body);
}

#[tokio::test]
async fn side_without_a_server_gets_nobody() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    // Gates would take everybody back before anybody is asked.
    driven.control("/disarm", json!({})).await;
    driven.set("50%").await;
    let wait = async |side: &str| {
        let began = Instant::now();
        while driven.users().await["servers"][side]["up"] != 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "{side} is still up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    drop(platform);
    wait("platform").await;
    let refused = driven.control("/set", json!({"share": "100%"})).await;
    assert!(refused.body["error"].as_str().unwrap().contains("no server of the new side"), "{}", refused.body);
    assert!(driven.control("/set", json!({"share": "60%", "anyway": true})).await.done);
    drop(legacy);
    wait("legacy").await;
    let refused = driven.control("/return", json!({})).await;
    assert!(refused.body["error"].as_str().unwrap().contains("no server of the old side"), "{}", refused.body);
    assert_eq!(driven.users().await["in_force"], "60%", "refused means unchanged");
    assert!(driven.control("/return", json!({"anyway": true})).await.done);
}

#[tokio::test]
async fn return_holds_for_a_haproxy_that_does_not_answer_and_nothing_else_does() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let mut haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    driven.set("100%").await;
    driven.control("/confirm", json!({})).await;
    haproxy.stop();
    let set = driven.control("/set", json!({"share": "50%"})).await;
    assert!(set.body["error"].as_str().unwrap().contains("HAProxy does not answer"), "{}", set.body);
    assert_eq!(driven.users().await["share"], "100%");
    let back = driven.control("/return", json!({})).await;
    assert!(back.body["error"].as_str().unwrap().contains("tried until it is done"), "{}", back.body);
    haproxy.again().await;
    let began = Instant::now();
    while haproxy.side("Bearer x").await != "legacy" {
        assert!(began.elapsed() < Duration::from_secs(20), "not back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(driven.users().await["frozen"], true);
}

#[tokio::test]
async fn what_is_missing_in_haproxy_is_said() {
    let (legacy, platform) = (Light::start("legacy").await, Light::start("platform").await);
    let routes = routes(&legacy, &platform);
    let haproxy = Haproxy::printed(&routes).await;
    let more = format!("{routes}- path: /api/v1/tenants/*\n  legacy: http://a:1\n  platform: http://b:1\n");
    let error = Driven::by_threshold(&haproxy, &more).await.err().unwrap();
    assert!(error.contains("no servers in a backend \"api_v1_tenants_legacy\""), "{error}");
    let other = Haproxy::start(|_, port| {
        format!("listen x\n    bind :{port}\n    timeout client 1s\n    timeout server 1s\n    timeout connect 1s\n")
    })
    .await;
    let error = Driven::by_threshold(&other, &routes).await.err().unwrap();
    assert!(error.contains("has no map") && error.contains("gateway print haproxy"), "{error}");
}

#[tokio::test]
async fn paths_headers_and_rules_pass_as_they_should() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let routes = format!(
        "force:\n  - user: careful\n    to: legacy\n  - header: 'X-Canary: it''s me'\n    to: platform\nroutes:\n  - path: /api/v1/users/*\n    \
         legacy:\n      instances: [{0}]\n      strip: /api/v1\n    platform: {1}\n  - path: /*\n    upstream: {1}\n",
        legacy.url(),
        platform.url()
    );
    let haproxy = Haproxy::printed(&routes).await;
    let driven = Driven::by_threshold(&haproxy, &routes).await.unwrap();
    for (share, service, path) in [("0%", "legacy", "/users/1?x=%2F"), ("100%", "platform", "/api/v1/users/1?x=%2F")] {
        driven.set(share).await;
        let mut client = Client::connect(haproxy.address).await;
        let forged = [("x-user-id", "forged"), ("x-tenant-id", "t")];
        let answer = client.send("POST", "/api/v1/users/1?x=%2F", &forged, "{}").await;
        assert_eq!((answer.service(), answer.body["path"].as_str()), (service, Some(path)));
        assert_eq!(answer.headers["x-gateway-side"], service);
        let headers = answer.body["headers"].as_object().unwrap();
        assert!(!headers.contains_key("x-user-id") && !headers.contains_key("x-tenant-id"), "{headers:?}");
        assert_eq!((&headers["host"], &headers["x-forwarded-for"]), (&"api.example.com".into(), &"127.0.0.1".into()));
        assert_eq!(client.get("/API/V1/USERS", &[]).await.service(), service, "case does not matter");
        for (path, status) in [("/internal/x", 404), ("/%69nternal", 404), ("/api/v1/users/%2e%2e/x", 400)] {
            assert_eq!(Client::connect(haproxy.address).await.get(path, &[]).await.status, status, "{path}");
        }
        assert_eq!(client.get("/api/v1/usersx", &[]).await.service(), "platform", "the route for everything");
        let careful = format!("Bearer {}", token("careful", "t"));
        assert_eq!(client.get("/api/v1/users", &[("authorization", &careful)]).await.service(), "legacy");
        let both = [("authorization", &*careful), ("x-canary", "it's me")];
        assert_eq!(client.get("/api/v1/users", &both).await.service(), "platform");
    }
}
