//! user-service where its table is not there, or is auth-service's: every statement fails (contract 2.5).

use serde_json::json;

use super::scene::{Scene, refuses};

pub(super) async fn all(scene: &Scene) {
    let id = "00000000-0000-4000-8000-000000000301";
    scene.account(id, "profile@example.com", "").await;
    let http = &scene.http.users;
    let path = format!("/users/{id}");
    refuses(http.get("/users/me"), 401, "User ID not found in request").await;
    refuses(http.get("/users/me").header("x-user-id", id), 404, "User not found").await;
    refuses(http.get(&path).header("x-user-id", id), 404, "User not found").await;
    refuses(http.put("/users/me").header("x-user-id", id).json(&json!({})), 500, "Failed to update user").await;
    refuses(http.put(&path).json(&json!({})), 404, "User not found").await;
    refuses(http.delete(&path), 404, "User not found").await;
    refuses(http.get("/users"), 500, "Failed to list users").await;
    refuses(http.get("/users/stats"), 500, "Failed to get user statistics").await;
    let tenant = "00000000-0000-4000-9000-000000000001";
    let person = json!({ "email": "new@example.com", "first_name": "A", "last_name": "B", "tenant_id": tenant });
    let post = |path: &str| http.post(path).header("x-api-key", "any");
    refuses(post("/users").json(&person), 500, "Failed to create user").await;
    refuses(post("/users/bulk").json(&json!([person])), 500, "Failed to create users").await;
}
