//! The control socket.

use std::os::unix::fs::PermissionsExt as _;

use http::StatusCode;
use pyairtable_gateway::control::socket;
use serde_json::json;

use crate::support::{Client, Running, Service, token, two_sides};

#[tokio::test]
async fn nameless_and_senseless_commands_are_refused_with_a_remedy() {
    let service = Service::start("x").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    for (path, body, status, part) in [
        ("/set", r#"{"who":"","why":"x","family":"all","share":"1%"}"#, StatusCode::BAD_REQUEST, "who you are"),
        ("/set", r#"{"who":"ada","family":"all","share":"1%"}"#, StatusCode::BAD_REQUEST, "why"),
        ("/set", r#"{"who":"ada","why":"x","family":"all"}"#, StatusCode::BAD_REQUEST, "10%"),
        ("/set", r#"{"who":"ada","why":"x","share":"1%"}"#, StatusCode::BAD_REQUEST, "family"),
        ("/set", r#"{"who":"ada","why":"x","family":"all","share":"101%"}"#, StatusCode::BAD_REQUEST, "0 to 100"),
        ("/set", r#"{"who":"ada","why":"x","family":"usres","share":"1%"}"#, StatusCode::CONFLICT, "users"),
        ("/set", r#"{"who":"ada","why":"x","famly":"all","share":"1%"}"#, StatusCode::BAD_REQUEST, "famly"),
        ("/renew", r#"{"who":"ada","why":"x","family":"users"}"#, StatusCode::CONFLICT, "set the share again"),
        ("/sett", r#"{"who":"ada","why":"x"}"#, StatusCode::NOT_FOUND, "use set"),
        ("/force", r#"{"who":"ada","why":"x","to":"legacy"}"#, StatusCode::BAD_REQUEST, "one of user"),
        ("/set", "set", StatusCode::BAD_REQUEST, "JSON object"),
    ] {
        let (answered, answer) = running.control_raw("POST", path, body).await;
        assert_eq!(answered, status, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(part), "{body}: {answer}");
    }
    assert_eq!(running.status().await["families"]["users"]["share"], "0%");
}

#[tokio::test]
async fn share_above_the_safe_one_returns_by_itself_when_nobody_renews() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    running.set("100%").await;
    let began = tokio::time::Instant::now();
    assert_eq!(client.get("/api/v1/users", &[]).await.service(), "platform");
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(running.control("/renew", json!({"family": "all"})).await.0, StatusCode::OK);
    tokio::time::sleep(std::time::Duration::from_secs(13)).await;
    assert_eq!(client.get("/api/v1/users", &[]).await.service(), "platform", "renewed");
    let last = loop {
        if client.get("/api/v1/users", &[]).await.service() == "legacy" {
            break began.elapsed();
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert!((17.9..18.5).contains(&last.as_secs_f64()), "15 s after it was renewed: {last:?}");
    assert_eq!(running.status().await["families"]["users"]["share"], "0%");
}

#[tokio::test]
async fn share_goes_up_only_where_somebody_answers_and_families_with_one_side_stay() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let (address, url) = (platform.address.to_string(), platform.url());
    drop(platform);
    let routes = format!("{}- path: /api/v1/tenants/*\n  legacy: {}\n", two_sides(&legacy.url(), &url), legacy.url());
    let running = Running::start(&routes);
    running.control("/disarm", json!({"family": "all"})).await;
    let condition = async || running.status().await["instances"][&url].clone();
    while condition().await == "well" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let set = async |family: &str, share: &str, anyway: bool| {
        let body = json!({"family": family, "share": share, "anyway": anyway});
        let (status, answer) = running.control("/set", body).await;
        let families = running.status().await["families"].clone();
        let share = |name: &str| families[name]["share"].as_str().unwrap().to_owned();
        (status, answer, [share("tenants"), share("users")])
    };
    for family in ["all", "users"] {
        let (status, answer, shares) = set(family, "10%", false).await;
        let why = answer["error"].as_str().unwrap();
        assert!(why.contains("/api/v1/users/*") && why.contains("--anyway"), "{why}");
        assert_eq!((status, shares), (StatusCode::CONFLICT, ["0%", "0%"].map(str::to_owned)));
    }
    let (status, answer, shares) = set("all", "10%", true).await;
    assert_eq!((status, &answer["skipped"]), (StatusCode::OK, &json!(["tenants"])), "{answer}");
    assert_eq!(shares, ["0%", "10%"]);
    let (status, answer, shares) = set("all", "5%", false).await;
    assert_eq!((status, shares), (StatusCode::OK, ["0%", "5%"].map(str::to_owned)), "down is always a way: {answer}");
    let (status, answer, _) = set("tenants", "5%", true).await;
    assert!(answer["error"].as_str().unwrap().contains("one side only"), "{answer}");
    assert_eq!(status, StatusCode::CONFLICT);
    let _platform = Service::start_on(&address, "platform").await;
    while condition().await != "well" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (status, answer, shares) = set("all", "50%", false).await;
    assert_eq!((status, shares), (StatusCode::OK, ["0%", "50%"].map(str::to_owned)), "{answer}");
    assert_eq!(running.status().await["families"]["tenants"]["movable"], false);
}

#[tokio::test]
async fn confirmed_share_stays_and_frozen_one_does_not_move() {
    let service = Service::start("x").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    running.set("10%").await;
    assert!(running.status().await["families"]["users"]["lease_seconds"].as_f64().unwrap() > 14.0);
    running.control("/confirm", json!({"family": "users"})).await;
    running.control("/freeze", json!({"family": "users"})).await;
    let (status, answer) = running.control("/set", json!({"family": "users", "share": "50%"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    let users = running.status().await["families"]["users"].clone();
    assert_eq!((users["share"].as_str(), users["safe"].as_str()), (Some("10%"), Some("10%")));
    assert!(users["lease_seconds"].is_null() && users["frozen"] == true);
}

#[tokio::test]
async fn forced_tenants_go_first_and_come_back() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    let bearer = format!("Bearer {}", token("u1", "synthetic"));
    let who = [("authorization", &*bearer)];
    for (to, service) in [(json!("platform"), "platform"), (json!(null), "legacy")] {
        let (status, answer) = running.control("/force", json!({"tenant": "synthetic", "to": to})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        assert_eq!(client.get("/api/v1/users", &who).await.service(), service);
        assert_eq!(client.get("/api/v1/users", &[]).await.service(), "legacy");
    }
}

#[tokio::test]
async fn return_to_services_that_are_down_is_refused_unless_meant() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    drop(legacy);
    assert_eq!(client.get("/api/v1/users", &[]).await.status, StatusCode::SERVICE_UNAVAILABLE);
    running.set("100%").await;
    let (status, answer) = running.control("/return", json!({"family": "users"})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(answer["error"].as_str().unwrap().contains("no old service answers for users"), "{answer}");
    let (status, _) = running.control("/return", json!({"family": "users", "anyway": true})).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn socket_is_its_owners_and_of_one_gateway_at_a_time() {
    let service = Service::start("x").await;
    let running = Running::start(&two_sides(&service.url(), &service.url()));
    assert_eq!(std::fs::metadata(&running.socket).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(socket::bind(&running.socket).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let left = running.socket.with_file_name("left.sock");
    drop(socket::bind(&left).unwrap());
    socket::bind(&left).expect("a socket that a dead gateway left is taken over");
}

#[tokio::test]
async fn confirmed_share_outlives_the_gateway_and_one_on_lease_does_not() {
    let service = Service::start("x").await;
    let routes = two_sides(&service.url(), &service.url());
    let running = Running::start(&routes);
    running.set("10%").await;
    running.control("/confirm", json!({"family": "all"})).await;
    running.set("50%").await;
    let running = Running::start_in(running.kill().await, "", &routes);
    let users = running.status().await["families"]["users"].clone();
    assert_eq!((users["share"].as_str(), users["safe"].as_str()), (Some("10%"), Some("10%")));
    running.control("/return", json!({"family": "all"})).await;
    let running = Running::start_in(running.kill().await, "", &routes);
    let users = running.status().await["families"]["users"].clone();
    assert_eq!((users["share"].as_str(), users["frozen"].as_bool()), (Some("0%"), Some(true)));
}
