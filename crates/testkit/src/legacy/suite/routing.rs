//! What the framework does to every request (contract 1.0.1).

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, refused, refuses};

pub(super) async fn all(scene: &Scene) {
    let (auth, users) = (&scene.http.auth, &scene.http.users);
    // Any case, a slash at the end, HEAD for GET.
    for path in ["/health", "/health/", "/HEALTH", "/Health/"] {
        auth.get(path).send().await.expect(200);
        assert!(auth.request(Method::HEAD, path).send().await.expect(200).bytes.is_empty());
    }
    let health = auth.get("/health").send().await.body;
    let timestamp = scene.now().as_second();
    assert_eq!(health, json!({ "status": "ok", "service": "auth-service", "timestamp": timestamp }));
    refuses(auth.post("/AUTH/Login/").json(&json!({})), 400, "Either email or username must be provided").await;

    // Routes that do not exist, in either service's words.
    refused(&auth.get("/nothing/Here").send().await, 404, "Cannot GET /nothing/Here");
    let answer = users.post("/nothing").send().await.expect(404);
    assert_eq!(answer.body, json!({ "error": true, "message": "Cannot POST /nothing" }));

    // Bodies: by their type; names in any case; null is absent; unknown fields are ignored; wrong types are refused.
    let login = |kind: &str, body: &str| auth.post("/auth/login").body(kind, body.to_owned());
    let nobody = (401, "Invalid email/username or password");
    for (kind, body, (status, error)) in [
        ("application/json", r#"{"EMAIL":"a","passWord":"b","x":[1]}"#, nobody),
        ("application/json; charset=utf-8", r#"{"email":null,"username":"a"}"#, nobody),
        ("application/x-www-form-urlencoded", "email=a&password=b", nobody),
        ("application/json", r#"{"email":1}"#, (400, "Invalid request body")),
        ("application/json", "", (400, "Invalid request body")),
        ("application/json", "[]", (400, "Invalid request body")),
        ("application/json", "{", (400, "Invalid request body")),
        ("text/plain", r#"{"email":"a"}"#, (400, "Invalid request body")),
    ] {
        refuses(login(kind, body), status, error).await;
    }
    refuses(auth.post("/auth/login"), 400, "Invalid request body").await;
    login("application/json", &"x".repeat(4 * 1024 * 1024 + 1)).send().await.expect(413);
}
