//! What holds for every path: prefixes, unknown routes and methods, CORS, health.

use http::Method;

use crate::support::TestApp;

#[tokio::test]
async fn health_says_what_is_reachable_under_every_prefix() {
    let app = TestApp::new().await;
    for path in ["/health", "/ready", "/api/v1/health", "/api/health/", "/API/V1/Health"] {
        let answer = app.http.get(path).send().await.expect(200);
        assert_eq!(answer.text("status"), "healthy", "{path}");
        assert_eq!(answer.text("service"), "pyairtable-platform");
        assert_eq!(answer.text("timestamp"), "2026-03-01T12:00:00.123456Z");
        assert_eq!(answer.text("version"), env!("CARGO_PKG_VERSION"));
        assert_eq!(answer.body["checks"], serde_json::json!({ "database": "ok", "redis": "not configured" }));
    }
    app.http.get("/live").send().await.expect(200);
}

#[tokio::test]
async fn health_without_database_is_503_and_liveness_is_not() {
    let mut pool = None;
    let app = TestApp::with(|parts| pool = Some(parts.db.clone())).await;
    pool.unwrap().close();
    let answer = app.http.get("/health").send().await.expect(503);
    assert_eq!(answer.text("status"), "unhealthy");
    assert_eq!(answer.body["checks"]["database"], "unreachable");
    app.http.get("/ready").send().await.expect(503);
    app.http.get("/live").send().await.expect(200);
}

#[tokio::test]
async fn unknown_methods_are_told_the_known_ones() {
    let app = TestApp::new().await;
    let answer = app.http.delete("/api/v1/health").send().await;
    let answer = answer.expect_error(405, "Method Not Allowed", "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    app.http.get("/nowhere").send().await.expect_error(404, "Cannot GET /nowhere", "NOT_FOUND");
}

#[tokio::test]
async fn preflight_of_a_listed_origin_is_answered_without_authentication() {
    let app = TestApp::new().await;
    let preflight = |origin: &'static str| {
        app.http
            .request(Method::OPTIONS, "/api/v1/users")
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "authorization, if-match, idempotency-key")
            .send()
    };
    let answer = preflight("http://localhost:3000").await.expect(200);
    assert_eq!(answer.headers["access-control-allow-origin"], "http://localhost:3000");
    assert_eq!(answer.headers["access-control-allow-credentials"], "true");
    let methods = answer.headers["access-control-allow-methods"].to_str().unwrap().to_owned();
    assert!(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].iter().all(|method| methods.contains(method)));
    let headers = answer.headers["access-control-allow-headers"].to_str().unwrap().to_owned();
    for header in ["origin", "content-type", "accept", "authorization", "x-request-id", "idempotency-key", "if-match"] {
        assert!(headers.contains(header), "{header} is not in {headers}");
    }

    let stranger = preflight("http://evil.example").await;
    assert!(!stranger.headers.contains_key("access-control-allow-origin"));
    assert!(!stranger.headers.values().any(|value| value == "*"));
}
