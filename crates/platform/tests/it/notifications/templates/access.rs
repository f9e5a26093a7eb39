//! Templates are their tenant's, and for its admins.

use axum::http::Method;
use serde_json::{Value, json};

use super::{ADDED, put};
use crate::fixtures::{NOBODY, send};
use crate::support::TestApp;

/// Every operation on a template.
fn all() -> [(Method, &'static str, Value); 5] {
    let preview = json!({ "kind": "workspace.member.added", "locale": "en", "parts": { "title": "x" } });
    [
        (Method::GET, "/notifications/templates", Value::Null),
        (Method::GET, ADDED, Value::Null),
        (Method::PUT, ADDED, json!({ "title": "Stolen" })),
        (Method::POST, "/notifications/templates/preview", preview),
        (Method::DELETE, ADDED, Value::Null),
    ]
}

#[tokio::test]
async fn list_notification_templates_and_get_notification_template_and_preview_notification_template_logged_out() {
    let app = TestApp::new().await;
    for (method, path, body) in all() {
        send(&app.http, method, path, Some(&body).filter(|body| !body.is_null())).await.expect(401);
    }
}

#[tokio::test]
async fn update_notification_template_and_delete_notification_template_logged_out() {
    let app = TestApp::new().await;
    let (admin, ..) = app.cast().await;
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    let before = app.all_rows().await;
    app.http.put(ADDED).json(&json!({ "title": "x" })).send().await.expect(401);
    app.http.delete(ADDED).send().await.expect(401);
    assert_eq!(app.all_rows().await, before);
}

#[tokio::test]
async fn get_notification_template_and_update_notification_template_and_delete_notification_template_other_tenant() {
    let app = TestApp::new().await;
    let (admin, _, stranger) = app.cast().await;
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    let mine = "SELECT t::text FROM notification_templates t WHERE title = 'Own'";
    let before = app.one(mine).await;
    let read = stranger.http.get(ADDED).send().await.expect(200);
    assert_eq!((read.body["overridden"].as_bool(), &read.body["title"]), (Some(false), &Value::Null));
    let list = stranger.http.get("/notifications/templates").send().await.expect(200);
    assert!(list.body["templates"].as_array().unwrap().iter().all(|one| one["overridden"] == false));
    let preview = json!({ "kind": "workspace.member.added", "locale": "en" });
    let preview = stranger.http.post("/notifications/templates/preview").json(&preview).send().await.expect(200);
    assert_eq!(preview.text("title"), "You were added to Marketing");
    stranger.http.delete(ADDED).send().await.expect_error(404, "Template not found", "NOT_FOUND");
    put(&stranger, ADDED, &json!({ "title": "Theirs" })).await.expect(200);
    stranger.http.delete(ADDED).send().await.expect(204);
    assert_eq!(app.one(mine).await, before);
}

#[tokio::test]
async fn templates_are_for_admins_and_services() {
    let app = TestApp::new().await;
    let (admin, member, _) = app.cast().await;
    put(&admin, ADDED, &json!({ "title": "Own" })).await.expect(200);
    let before = app.all_rows().await;
    for (method, path, body) in all() {
        let refused = send(&member.http, method, path, Some(&body).filter(|body| !body.is_null())).await;
        refused.expect_error(403, "Insufficient permissions", "FORBIDDEN");
    }
    assert_eq!(app.all_rows().await, before);
    let service = |tenant: &str| app.internal(Method::GET, ADDED).header("x-tenant-id", tenant);
    assert_eq!(service(&admin.tenant).send().await.expect(200).body["title"], "Own");
    assert_eq!(service(NOBODY).send().await.expect(200).body["title"], Value::Null);
    app.internal(Method::GET, ADDED).send().await.expect(401);
}
