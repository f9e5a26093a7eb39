//! `POST /notifications/bulk`

use axum::http::Method;
use serde_json::{Value, json};

use super::{MISSING, refusals, text};
use crate::fixtures::NOBODY;
use crate::support::TestApp;

fn to(field: &str, whom: Value) -> Value {
    let mut body = text("Hello all");
    body[field] = whom;
    body
}

#[tokio::test]
async fn bulk_create_notifications_logged_out() {
    let app = TestApp::new().await;
    refusals(&app, Method::POST, "/notifications/bulk", Some(text("x"))).logged_out(MISSING).await;
}

#[tokio::test]
async fn bulk_create_notifications_other_tenant() {
    let app = TestApp::new().await;
    let (ada, eve) = (app.admin("ada@example.com").await, app.admin("eve@elsewhere.example").await);
    let workspace = ada.http.post("/workspaces").json(&json!({ "name": "w" })).send().await.expect(201).text("id");
    for (body, error) in [
        (to("workspace_id", json!(workspace)), "Workspace not found"),
        (to("user_ids", json!([eve.id, ada.id])), "User not found"),
    ] {
        let refusals = refusals(&app, Method::POST, "/notifications/bulk", Some(body));
        refusals.expect(&eve.http, 404, error, "NOT_FOUND").await;
    }
    eve.http.post("/notifications/bulk").json(&text("For us")).send().await.expect(202);
    app.tell_of_events().await;
    assert!(ada.titles().await.is_empty());
    assert_eq!(eve.titles().await, ["For us"]);
}

#[tokio::test]
async fn bulk_create_notifications_forbidden_role() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let refusals = refusals(&app, Method::POST, "/notifications/bulk", Some(text("x")));
    refusals.expect(&grace.http, 403, "Insufficient permissions", "FORBIDDEN").await;
}

#[tokio::test]
async fn bulk_create_notifications_invalid_body() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let mut both = to("user_ids", json!([ada.id]));
    both["workspace_id"] = json!(NOBODY);
    for (body, status) in [
        (to("title", json!("")), 400),
        (both, 400),
        (to("user_ids", json!(vec![NOBODY; 1001])), 400),
        (to("user_ids", json!([NOBODY])), 404),
        (to("user_ids", json!(["7"])), 404),
        (to("workspace_id", json!(NOBODY)), 404),
    ] {
        ada.http.post("/notifications/bulk").json(&body).send().await.expect(status);
    }
}

#[tokio::test]
async fn bulk_create_notifications_success_for_each_audience() {
    let app = TestApp::new().await;
    let ada = app.admin("ada@example.com").await;
    let grace = app.member(&ada, "grace@example.com").await;
    let joan = app.member(&ada, "joan@example.com").await;
    let workspace = grace.http.post("/workspaces").json(&json!({ "name": "w" })).send().await.expect(201).text("id");
    for (body, recipients) in [
        (text("everybody"), 3),
        (to("workspace_id", json!(workspace)), 1),
        (to("user_ids", json!([joan.id, ada.id, joan.id])), 2),
    ] {
        let answer = ada.http.post("/api/v1/notifications/bulk").json(&body).send().await.expect(202);
        assert_eq!(answer.body["recipients"], recipients, "{body}");
    }
    app.tell_of_events().await;
    assert_eq!(ada.titles().await.len(), 2);
    assert_eq!(grace.titles().await.len(), 2);
    assert_eq!(joan.titles().await.len(), 2);
    assert_eq!(app.one("SELECT count(*) FROM audit_events WHERE action = 'announcement.published'").await, "3");
}
