//! `POST /workspaces`

use axum::http::Method;
use serde_json::json;

use super::scene::{Scene, create, try_create};
use super::schema::Schema;
use crate::support::TestApp;

#[tokio::test]
async fn create_workspace_logged_out() {
    let scene = Scene::new().await;
    let body = json!({ "name": "Sales" });
    scene.refusals(Method::POST, "/workspaces", Some(body)).logged_out("Missing authentication").await;
}

#[tokio::test]
async fn create_workspace_other_tenant() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let other = app.admin("foreigner@elsewhere.example").await;
    let body = json!({ "name": "Marketing", "tenant_id": other.tenant });
    let answer = admin.http.post("/workspaces").json(&body).send().await;
    answer.expect_error(403, "Forbidden", "FORBIDDEN");

    let root = app.super_admin().await;
    let created = root.http.post("/workspaces").json(&body).send().await.expect(201);
    assert_eq!(created.body["tenant_id"], other.tenant.as_str());
}

#[tokio::test]
async fn create_workspace_invalid_body() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    for body in [json!({}), json!({ "name": "" }), json!({ "name": " " }), json!({ "name": "x".repeat(256) })] {
        let answer = admin.http.post("/workspaces").json(&body).send().await;
        let answer = answer.expect_error(400, "Invalid input", "VALIDATION_ERROR");
        assert_eq!(answer.body["details"][0]["field"], "name");
    }
    for body in [json!({ "name": 7 }), json!({ "name": "x", "settings": "y" }), json!({ "name": "x", "settings": [] })]
    {
        let answer = admin.http.post("/workspaces").json(&body).send().await;
        answer.expect_error(400, "Invalid request body", "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn create_workspace_conflict_and_quota() {
    for schema in Schema::ALL {
        let scene = Scene::on(schema).await;
        try_create(&scene.admin.http, "Marketing").await.expect_error(409, "Workspace already exists", "CONFLICT");
        create(&scene.admin.http, "marketing").await;
        create(&scene.admin.http, "Sales").await;
        // Three is the free plan's limit; it is checked before the name (contract 1.3.4).
        try_create(&scene.admin.http, "Marketing").await.expect_error(403, "Quota exceeded", "QUOTA_EXCEEDED");
        let other = scene.foreigner().await;
        create(&other.http, "Marketing").await;
        // A deleted one makes room and frees its name.
        scene.owner.http.delete(&scene.path("")).send().await.expect(204);
        create(&scene.admin.http, "Marketing").await;
    }
}

#[tokio::test]
async fn create_workspace_success() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let body = json!({ "name": "Marketing", "description": "All of it", "settings": { "theme": { "dark": true } } });
    let answer = admin.http.post("/api/v1/workspaces").json(&body).send().await.expect(201);
    insta::assert_json_snapshot!(answer.body);

    let scene = Scene { workspace: answer.text("id"), owner: app.login("admin@example.com").await, admin, app };
    assert_eq!(scene.members().await, [(scene.admin.id.clone(), "owner".to_owned())]);
    insta::assert_json_snapshot!(scene.trail().await);
}

#[tokio::test]
async fn create_workspace_success_with_defaults_and_loose_names() {
    for schema in Schema::ALL {
        let app = schema.app().await;
        let admin = app.admin("admin@example.com").await;
        let body = json!({ "Name": "Marketing", "description": null, "unknown": 1, "tenantId": admin.tenant });
        let answer = admin.http.post("/platform/workspaces/").json(&body).send().await.expect(201);
        assert_eq!(answer.body["description"], "");
        assert_eq!(answer.body["settings"], json!({}));
        assert_eq!(answer.body["deleted_at"], json!(null));
        assert_eq!(answer.body["created_at"], "2026-03-01T12:00:00.123456Z", "{schema:?}");
    }
}

#[tokio::test]
async fn create_workspace_internal_service() {
    let app = TestApp::new().await;
    let admin = app.admin("admin@example.com").await;
    let post = || app.http.post("/workspaces").header("x-api-key", crate::support::INTERNAL_KEY);
    let body = json!({ "name": "Marketing" });
    let answer = post().json(&body).send().await;
    answer.expect_error(401, "Missing authentication context", "UNAUTHORIZED");
    let answer = post().header("x-user-id", &admin.id).header("x-tenant-id", &admin.tenant).json(&body).send().await;
    assert_eq!(answer.expect(201).body["created_by"], admin.id.as_str());
}
