//! What of a request and an answer passes.

use http::StatusCode;

use crate::support::{Client, Running, Service, token, two_sides};

const LIES: &[(&str, &str)] = &[
    ("x-user-id", "admin"),
    ("x_user_id", "admin"),
    ("x-tenant-id", "other"),
    ("x-forwarded-for", "10.0.0.1"),
    ("connection", "x-secret"),
    ("x-secret", "1"),
];

#[tokio::test]
async fn services_see_who_a_token_proves_and_nothing_a_client_says() {
    let (legacy, platform) = (Service::start("legacy").await, Service::start("platform").await);
    let running = Running::start(&two_sides(&legacy.url(), &platform.url()));
    let mut client = Client::connect(running.address).await;
    let bearer = format!("Bearer {}", token("u1", "t1"));
    let signed = [LIES, &[("authorization", &*bearer), ("x-request-id", "mine")]].concat();

    let answer = client.get("/api/v1/users/me?a=b", &signed).await;
    let seen = &answer.body["headers"];
    assert_eq!(answer.body["path"], "/api/v1/users/me?a=b");
    assert_eq!((seen["x-user-id"].as_str(), seen["x-tenant-id"].as_str()), (Some("u1"), Some("t1")));
    assert_eq!((seen["x-forwarded-for"].as_str(), seen["x-secret"].as_str()), (Some("127.0.0.1"), None));
    assert_eq!((seen["host"].as_str(), seen["x-request-id"].as_str()), (Some("api.example.com"), Some("mine")));
    assert!(seen["x_user_id"].is_null());
    assert_eq!(answer.headers["x-request-id"], "mine");
    assert!(!answer.headers.contains_key("x-user-id"), "clients are not told who they are");

    let unsigned = client.get("/api/v1/users/me", LIES).await;
    assert!(unsigned.body["headers"]["x-user-id"].is_null() && unsigned.body["headers"]["x-tenant-id"].is_null());
    assert!(unsigned.headers["x-request-id"].to_str().unwrap().starts_with("req_"));

    running.set("100%").await;
    let answer = client.get("/api/v1/users/me", &signed).await;
    assert_eq!(answer.service(), "platform");
    assert!(answer.body["headers"]["x-user-id"].is_null(), "the new service reads the token");
    assert_eq!(answer.headers["x-gateway-side"], "platform");
}

#[tokio::test]
async fn proxies_in_front_are_believed_where_they_are_known() {
    let legacy = Service::start("legacy").await;
    let routes = two_sides(&legacy.url(), &legacy.url());
    let running = Running::start_behind("127.0.0.0/8", &routes);
    let headers = [("x-forwarded-for", "203.0.113.9, 198.51.100.1"), ("x-forwarded-proto", "https")];
    let answer = Client::connect(running.address).await.get("/api/v1/users", &headers).await;
    assert_eq!(answer.body["headers"]["x-forwarded-for"], "198.51.100.1");
    assert_eq!(answer.body["headers"]["x-forwarded-proto"], "https");
}

#[tokio::test]
async fn paths_without_a_route_and_paths_that_go_elsewhere_are_refused() {
    let service = Service::start("legacy").await;
    let running = Running::start(&format!(
        "- path: /*\n  legacy:\n    instances: ['{url}']\n    strip: /api/v1\n  platform: {url}\n",
        url = service.url()
    ));
    let mut client = Client::connect(running.address).await;
    assert_eq!(client.get("/api/v1/users?x=1", &[]).await.body["path"], "/users?x=1");
    for (path, status) in [
        ("/internal/health", StatusCode::NOT_FOUND),
        ("/%69nternal/health", StatusCode::NOT_FOUND),
        ("/api/v1/internal/health", StatusCode::NOT_FOUND),
        ("/a/../internal/health", StatusCode::BAD_REQUEST),
        ("/a/%2e%2e/internal", StatusCode::BAD_REQUEST),
    ] {
        let answer = client.get(path, &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body["error"].is_string() && answer.service().is_empty(), "{path}");
    }
}
